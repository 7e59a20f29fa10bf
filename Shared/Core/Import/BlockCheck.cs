using System.Buffers.Binary;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>
/// Reads a whole block once and holds it against what is expected of it, before anything is written. What a damaged header does not
/// tell is left open for the caller to find out.
/// </summary>
internal sealed class BlockCheck
{
    private BlockCheck(BlockReport report, BlockHash hash)
    {
        Report = report;
        Hash = hash;
    }

    public BlockReport Report { get; }

    /// <summary>The trailer's hash where the content matches it, else SHA-256 of the whole file.</summary>
    public BlockHash Hash { get; }

    /// <summary>The sequence number behind the last one that the block is about.</summary>
    public ulong NextSequence => Math.Max(Report.NextSequence, Report.FirstSequence);

    /// <summary>True when every byte is as the source sealed it.</summary>
    public bool IsAsSealed => Report.IsAsSealed;

    /// <summary>True when it is as it was sealed and all of it can be read.</summary>
    public bool IsIntact =>
        IsAsSealed
        && Report is { Trailer: { } trailer, Damages.Count: 0, TornTail: null }
        && trailer.EventCount == Report.EventCount
        && trailer.FrameCount == Report.FrameCount;

    /// <summary>Reads and checks.</summary>
    /// <returns>The check; or why the block is refused; or the error that kept the file from being read.</returns>
    public static StorageResult<(BlockCheck? Check, ImportOutcome.Refused? Refusal)> Read(
        IStorageFile file, BlockExpectation expected, long maxBytes)
    {
        var length = file.Length();
        if (!length.IsOk)
        {
            return length.Error;
        }

        if (length.Value > maxBytes)
        {
            return Refuse(RefusalKind.TooLarge, $"the file has {length.Value} bytes, a block may have {maxBytes}");
        }

        var newer = ReadNewerVersion(file);
        if (!newer.IsOk)
        {
            return newer.Error;
        }

        if (newer.Value is { } version)
        {
            return Refuse(
                RefusalKind.NewerFormat,
                $"the block needs a reader of format version {version}, this program reads {BlockHeader.Version}: update the program");
        }

        var report = BlockReport.Create(file, expected.Stream);
        if (!report.IsOk)
        {
            return report.Error;
        }

        var hash = report.Value.IsHashVerified ? report.Value.Trailer!.Hash : BlockReport.HashPrefix(file, length.Value);
        if (!hash.IsOk)
        {
            return hash.Error;
        }

        var check = new BlockCheck(report.Value, hash.Value);
        return check.Compare(expected) is { } refusal ? (null, refusal) : (check, null);
    }

    private static (BlockCheck? Check, ImportOutcome.Refused? Refusal) Refuse(RefusalKind kind, string reason) =>
        (null, new ImportOutcome.Refused(kind, reason));

    /// <summary>A block of a format to come is not a damaged one: it is for another program to read.</summary>
    private static StorageResult<ushort?> ReadNewerVersion(IStorageFile file)
    {
        var bytes = new byte[BlockHeader.MaxSizeBytes];
        var read = file.ReadAt(0, bytes);
        if (!read.IsOk)
        {
            return read.Error;
        }

        var span = bytes.AsSpan(0, read.Value);
        if (span.Length < 16 || !span[..8].SequenceEqual(BlockHeader.Magic))
        {
            return (ushort?)null;
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(span[12..]);
        var version = BinaryPrimitives.ReadUInt16LittleEndian(span[10..]);
        var isIntact = size >= 20 && size <= span.Length
            && BinaryPrimitives.ReadUInt32LittleEndian(span[(size - 4)..]) == Crc32C.Compute(span[..(size - 4)]);
        return isIntact && version > BlockHeader.Version ? version : (ushort?)null;
    }

    private ImportOutcome.Refused? Compare(BlockExpectation expected)
    {
        if (Report.Header is null && Report.FrameCount == 0 && Report.Trailer is null)
        {
            return new(
                RefusalKind.NotABlock,
                Report.LengthBytes == 0 ? "the file is empty" : "neither a block's header nor an intact frame is in the file");
        }

        if (NextSequence > long.MaxValue || Report.Header?.Index > long.MaxValue)
        {
            return new(RefusalKind.ImpossibleSequence, $"sequence {NextSequence} or block number {Report.Header?.Index} is beyond 2^63 - 1");
        }

        if (expected.Hash is { } wanted && !(IsAsSealed && wanted.Equals(Hash)))
        {
            return new(
                RefusalKind.WrongHash,
                IsAsSealed
                    ? $"the content has the hash {Hash}, expected is {wanted}"
                    : $"the block is not whole, expected is the one with hash {wanted}");
        }

        return CompareHeader(expected);
    }

    private ImportOutcome.Refused? CompareHeader(BlockExpectation expected)
    {
        if (expected.Stream is { } stream && (Report.Header?.Stream ?? stream) != stream)
        {
            return new(RefusalKind.OtherStream, $"the block belongs to stream {Report.Header!.Stream}, expected is {stream}");
        }

        if (expected.Index is { } index && (Report.Header?.Index ?? index) != index)
        {
            return new(RefusalKind.OtherBlock, $"the block is number {Report.Header!.Index}, expected is {index}");
        }

        return Report.Header is { } header ? CompareNames(expected, header.Node, header.Mailbox) : null;
    }

    /// <summary>Holds the names against what is expected.</summary>
    /// <param name="expected">What is expected.</param>
    /// <param name="node">The node, empty where unknown.</param>
    /// <param name="mailbox">The mailbox, empty where unknown.</param>
    public static ImportOutcome.Refused? CompareNames(BlockExpectation expected, string node, string mailbox)
    {
        if (expected.Node is { } wantedNode && wantedNode != node)
        {
            return new(RefusalKind.OtherNode, $"the block was collected by {Name(node)}, expected is '{wantedNode}'");
        }

        return expected.Mailbox is { } wantedMailbox && wantedMailbox != mailbox
            ? new(RefusalKind.OtherMailbox, $"the block is for {Name(mailbox)}, expected is '{wantedMailbox}'")
            : null;
    }

    private static string Name(string text) => text.Length == 0 ? "an unknown node (its header is damaged)" : $"'{text}'";
}
