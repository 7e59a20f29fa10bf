using System.Buffers.Binary;
using System.Text;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Blocks;

/// <summary>The beginning of a block file (docs/format.md, "Block header").</summary>
/// <param name="Stream">The stream that the block belongs to.</param>
/// <param name="Index">The block's number in the stream: 1, 2, 3… without holes.</param>
/// <param name="FirstSequence">The sequence number that the first event gets.</param>
/// <param name="CreatedNs">When the block was begun, nanoseconds since 1970.</param>
/// <param name="Node">The node that collected the events.</param>
/// <param name="Mailbox">The mailbox: the name of the node that the events are for.</param>
public sealed record BlockHeader(StreamId Stream, ulong Index, ulong FirstSequence, long CreatedNs, string Node, string Mailbox)
{
    /// <summary>The latest version of the format that this program reads and writes.</summary>
    public const ushort Version = 2;

    /// <summary>The version of blocks without columns frames: every reader reads them.</summary>
    public const ushort RowsVersion = 1;

    /// <summary>The version of blocks with columns frames.</summary>
    public const ushort ColumnsVersion = 2;

    /// <summary>The longest node or mailbox name, in UTF-8 bytes.</summary>
    public const int MaxNameBytes = 255;

    /// <summary>The longest header, in bytes.</summary>
    public const int MaxSizeBytes = 1024;

    private const int FixedBytes = 64;
    private const int ChecksumBytes = 4;

    /// <summary>
    /// The lowest version of a reader that understands everything in the block: <see cref="RowsVersion"/>, or
    /// <see cref="ColumnsVersion"/> where it has or will have columns frames.
    /// </summary>
    public ushort NeededVersion { get; init; } = RowsVersion;

    /// <summary>The first eight bytes: 89 5A 46 42 0D 0A 1A 0A. Any text-mode copy breaks them.</summary>
    public static ReadOnlySpan<byte> Magic => [0x89, 0x5A, 0x46, 0x42, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The header's bytes.</summary>
    public byte[] ToBytes()
    {
        var node = Encoding.UTF8.GetBytes(Node);
        var mailbox = Encoding.UTF8.GetBytes(Mailbox);
        if (node.Length > MaxNameBytes || mailbox.Length > MaxNameBytes)
        {
            throw new InvalidOperationException($"Node and mailbox names hold at most {MaxNameBytes} bytes.");
        }

        var unpadded = FixedBytes + node.Length + mailbox.Length + ChecksumBytes;
        var bytes = new byte[(unpadded + 7) / 8 * 8];
        var span = bytes.AsSpan();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteUInt16LittleEndian(span[8..], NeededVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(span[10..], NeededVersion);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], bytes.Length);
        Stream.Write(span[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], Index);
        BinaryPrimitives.WriteUInt64LittleEndian(span[40..], FirstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(span[48..], CreatedNs);
        BinaryPrimitives.WriteUInt16LittleEndian(span[56..], (ushort)node.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(span[58..], (ushort)mailbox.Length);
        node.CopyTo(span[FixedBytes..]);
        mailbox.CopyTo(span[(FixedBytes + node.Length)..]);
        BinaryPrimitives.WriteUInt32LittleEndian(span[^ChecksumBytes..], Crc32C.Compute(span[..^ChecksumBytes]));
        return bytes;
    }

    /// <summary>Reads a header at the start of some bytes.</summary>
    /// <param name="bytes">The start of the file, <see cref="MaxSizeBytes"/> of it if it has as many.</param>
    /// <param name="header">The header, when the result is null.</param>
    /// <param name="sizeBytes">Its size on disk.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? TryRead(ReadOnlySpan<byte> bytes, out BlockHeader? header, out int sizeBytes)
    {
        header = null;
        sizeBytes = 0;
        if (bytes.Length < FixedBytes + ChecksumBytes)
        {
            return $"a block header takes at least {FixedBytes + ChecksumBytes} bytes, the file has {bytes.Length}";
        }

        if (!bytes[..8].SequenceEqual(Magic))
        {
            return "the file does not start like a block";
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (size is < FixedBytes + ChecksumBytes or > MaxSizeBytes || size > bytes.Length)
        {
            return $"the header's length {size} is impossible";
        }

        var span = bytes[..size];
        if (BinaryPrimitives.ReadUInt32LittleEndian(span[^ChecksumBytes..]) != Crc32C.Compute(span[..^ChecksumBytes]))
        {
            return "the header's checksum does not match";
        }

        var minimum = BinaryPrimitives.ReadUInt16LittleEndian(span[10..]);
        if (minimum > Version)
        {
            return $"the block needs a reader of format version {minimum}, this is version {Version}: update the program";
        }

        var nodeLength = BinaryPrimitives.ReadUInt16LittleEndian(span[56..]);
        var mailboxLength = BinaryPrimitives.ReadUInt16LittleEndian(span[58..]);
        if (FixedBytes + nodeLength + mailboxLength + ChecksumBytes > size)
        {
            return "the names do not fit into the header";
        }

        header = new BlockHeader(
            StreamId.Read(span[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(span[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(span[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(span[48..]),
            Encoding.UTF8.GetString(span.Slice(FixedBytes, nodeLength)),
            Encoding.UTF8.GetString(span.Slice(FixedBytes + nodeLength, mailboxLength)))
        {
            NeededVersion = minimum,
        };
        sizeBytes = size;
        return null;
    }
}
