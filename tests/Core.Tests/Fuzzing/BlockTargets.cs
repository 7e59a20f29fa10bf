using System.Buffers.Binary;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.Blocks;
using ZfRepl.TestKit;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>Whole block files: scanned, salvaged, re-coded.</summary>
internal static class BlockTargets
{
    private const string Folder = "/spool/centre";

    /// <summary>What the most events that one frame may hold take in memory: a few bytes can say a million equal events.</summary>
    private const long EventsBytesMax = 128L * 1024 * 1024;

    private static readonly byte[][] Samples = [.. FormatSamples.Golden.Values.Concat(FormatSamples.GoldenColumns.Values).Where(b => b.Length > 0)];

    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        (new FuzzTarget("block", Samples, Scan, EventsBytesMax) { Words = [FrameHeader.Magic.ToArray(), BlockHeader.Magic.ToArray()] }, 10_000),
        (new FuzzTarget("block-with-checksums", Samples, Scan, EventsBytesMax) { Words = [FrameHeader.Magic.ToArray()], Repair = MendChecksums }, 10_000),
        (new FuzzTarget("block-salvage", Samples, Salvage, 64L * 1024 * 1024), 2_000),
        (new FuzzTarget("block-salvage-with-checksums", Samples, Salvage, 64L * 1024 * 1024) { Repair = MendChecksums }, 2_000),
        (new FuzzTarget("block-header", [FormatSamples.Header.ToBytes()], Header), 50_000),
        (new FuzzTarget("block-trailer", [FormatSamples.Page["trailer"][FrameHeader.SizeBytes..]], Trailer), 50_000),
    ];

    /// <summary>Every byte of the file is in exactly one finding, and the scan comes to the end.</summary>
    private static void Scan(byte[] input)
    {
        using var file = new MemoryFile("block", input);
        var scanner = BlockScanner.Open(file).Value;
        var position = (long)scanner.HeaderBytes;
        var events = 0UL;
        var batch = new EventBatch(new OidTable());
        for (var findings = 0; ; findings++)
        {
            Assert.True(findings <= input.Length + 2, "more findings than bytes");
            var item = scanner.Next().Value;
            if (item.Kind == ScanKind.End)
            {
                break;
            }

            Assert.True(item.Offset >= position || scanner.Header is null, $"a finding at {item.Offset}, the one before ends at {position}");
            Assert.InRange(item.LengthBytes, 1, input.Length - item.Offset);
            position = item.Offset + item.LengthBytes;
            if (item.Kind != ScanKind.Frame)
            {
                Assert.False(string.IsNullOrEmpty(item.Reason));
                continue;
            }

            events += item.Header.EventCount;
            if (EventFrameReader.HoldsEvents(item.Header.Type))
            {
                batch.Clear();
                _ = new EventFrameReader().Read(item.Header, item.Payload.Span, batch);
            }
        }

        var report = BlockReport.Create(file).Value;
        Assert.True(report.EventCount <= events, $"{report.EventCount} events are reported, frames have {events}");
        Assert.True(!report.IsIntact || report.Trailer is not null);
    }

    /// <summary>Salvage leaves a block that is intact, with every event that the report counted, or nothing; and is done after one time.</summary>
    private static void Salvage(byte[] input)
    {
        var storage = new SimulatedStorage();
        Assert.True(storage.CreateFolder(Folder).IsOk);
        var path = $"{Folder}/mbb_1.open";
        storage.Overwrite(path, input);
        var quarantine = Quarantine.Open(storage, "/spool/quarantine", new ManualTime()).Value;
        Assert.True(BlockName.TryParse("mbb_1", out var name));
        var fallback = FormatSamples.Header;
        var outcome = BlockSalvage.Salvage(storage, path, name, fallback, quarantine, 1_000);
        Assert.True(outcome.IsOk, outcome.IsOk ? "" : outcome.Error.ToString());
        if (outcome.Value.Block is not { } sealedBlock)
        {
            return;
        }

        using var file = storage.Open($"{Folder}/mbb_1", write: false).Value;
        var report = BlockReport.Create(file).Value;
        Assert.True(
            report is { IsAsSealed: true, Damages.Count: 0, TornTail: null },
            $"what was salvaged is not as it was sealed: {string.Join("; ", report.Damages.Select(d => d.Reason))} {report.TornTail?.Reason}");
        Assert.Equal(sealedBlock.Trailer.EventCount, report.EventCount);
    }

    private static void Header(byte[] input)
    {
        if (BlockHeader.TryRead(input, out var header, out var sizeBytes) is null)
        {
            Assert.NotNull(header);
            Assert.InRange(sizeBytes, 1, input.Length);
            Assert.Null(BlockHeader.TryRead(header.ToBytes(), out var again, out _));
            Assert.Equal(header, again);
        }
    }

    private static void Trailer(byte[] input)
    {
        if (BlockTrailer.TryRead(input, out var trailer) is null)
        {
            var output = new ByteWriter();
            trailer!.AppendFrame(output, 1);
            Assert.Null(BlockTrailer.TryRead(output.Written[FrameHeader.SizeBytes..], out var again));
            Assert.Equal(trailer, again);
        }
    }

    /// <summary>Gives everything that looks like a frame right checksums, so that the mutation behind them counts.</summary>
    private static void MendChecksums(byte[] bytes)
    {
        for (var at = 0; at + FrameHeader.SizeBytes <= bytes.Length; at++)
        {
            if (!bytes.AsSpan(at).StartsWith(FrameHeader.Magic))
            {
                continue;
            }

            var frame = bytes.AsSpan(at);
            var length = BinaryPrimitives.ReadInt32LittleEndian(frame[4..]);
            if (length >= FrameHeader.SizeBytes && length <= frame.Length)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(frame[32..], Crc32C.Compute(frame[FrameHeader.SizeBytes..length]));
                BinaryPrimitives.WriteUInt32LittleEndian(frame[36..], Crc32C.Compute(frame[..36]));
            }
        }
    }
}
