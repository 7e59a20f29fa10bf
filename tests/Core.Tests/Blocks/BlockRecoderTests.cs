using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Blocks;

/// <summary>A block is written once more: the same events, bit for bit, in fewer bytes, or it is left alone.</summary>
public sealed class BlockRecoderTests
{
    private const string Folder = "/spool";

    private static readonly BlockName Name = new(1_700_000_000);
    private static readonly BlockHeader Header = new(new StreamId(7, 8), 3, 100, 5, "edge1", "centre");
    private static readonly string Aside = Path.Combine(Folder, Name + BlockRecoder.RecodeSuffix);

    private readonly SimulatedStorage _storage = new();
    private readonly OidTable _oids = new();
    private readonly BlockRecoder _recoder;

    public BlockRecoderTests() => _recoder = new BlockRecoder(_oids);

    [Fact]
    public void Every_value_and_identity_comes_out_as_it_went_in_whatever_the_order_of_times()
    {
        var random = new Random(5);
        var batch = new EventBatch(_oids);
        for (var i = 0; i < 3000; i++)
        {
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:a/{random.Next(20)}"),
                random.Next(3) switch { 0 => random.Next(100), 1 => long.MaxValue - random.Next(3), _ => long.MinValue + random.Next(3) },
                (short)random.Next(-2, 3),
                (uint)random.Next(2) * 0x8001_0000,
                EventSamples.AllValues[random.Next(EventSamples.AllValues.Count)],
                new Ieid((ulong)random.Next(2), (ulong)random.NextInt64()),
                (EventFlags)random.Next(4)));
        }

        var old = Write(batch, framesOf: 30);
        var outcome = _recoder.WriteAside(_storage, Folder, old, CancellationToken.None).Value;
        Assert.NotNull(outcome.Block);
        Assert.True(Read(out var report).IsSameAs(batch, batch.Count));
        Assert.True(report.IsIntact);
        Assert.Equal(Header with { NeededVersion = BlockHeader.ColumnsVersion }, report.Header);
        Assert.Equal(report.Trailer, outcome.Block.Trailer);
        Assert.Equal((batch.TimesNs.ToArray().Min(), batch.TimesNs.ToArray().Max()), (report.Trailer!.MinTimeNs, report.Trailer.MaxTimeNs));
        Assert.Equal((100UL, 3100UL), (report.Trailer.FirstSequence, report.Trailer.NextSequence));
    }

    [Fact]
    public void A_large_block_becomes_frames_of_like_size_and_losses_keep_their_places()
    {
        var batch = Walk(150_000);
        var losses = new Dictionary<int, LossRecord>
        {
            [0] = Loss(1),
            [40_000] = Loss(2),
            [150_000] = Loss(3),
        };
        var old = Write(batch, framesOf: 9_000, losses);
        var outcome = _recoder.WriteAside(_storage, Folder, old, CancellationToken.None).Value;
        Assert.True(Read(out var report).IsSameAs(batch, batch.Count));
        Assert.True(outcome.Block!.LengthBytes * 4 < old.Content.Length().Value);
        Assert.Equal(losses.Values, report.Losses);
        Assert.Equal([(0, 100UL), (40_000, 40_100UL), (50_000, 90_100UL), (50_000, 140_100UL), (10_000, 150_100UL)], EventsBefore());
        Assert.True(report.IsIntact);
    }

    [Fact]
    public void Of_the_positions_of_each_source_the_last_ones_stay()
    {
        var old = Write(Walk(600), framesOf: 100, positions: i => new SourcePosition(i % 200 == 0 ? "a" : "b", 5, (ulong)i));
        Assert.NotNull(_recoder.WriteAside(_storage, Folder, old, CancellationToken.None).Value.Block);
        _ = Read(out var report);
        Assert.Equal([new SourcePosition("b", 5, 500), new SourcePosition("a", 5, 600)], report.Positions.OrderBy(p => p.Sequence));
    }

    [Fact]
    public void A_file_that_lost_its_end_keeps_what_is_in_front_of_it()
    {
        var batch = Walk(150_000);
        Assert.NotNull(_recoder.WriteAside(_storage, Folder, Write(batch, framesOf: 5000), CancellationToken.None).Value.Block);
        var bytes = _storage.Snapshot()[Aside];
        _storage.Overwrite(Aside, bytes[..^10]);
        Assert.Equal(150_000, Read(out _).Count);
        _storage.Overwrite(Aside, bytes[..(bytes.Length * 9 / 10)]);
        Assert.Equal(100_000, Read(out var report).Count);
        Assert.Equal((100_000UL, 100_100UL), (report.EventCount, report.NextSequence));
    }

    [Fact]
    public void What_is_not_exactly_what_was_written_is_left_alone()
    {
        var good = Write(Walk(600), framesOf: 100);
        var bytes = ReadAll(good);
        var stranger = new ByteWriter();
        FrameHeader.Append(stranger, (FrameType)99, 0, Header.Stream.High, good.NextSequence, [1, 2, 3]);
        foreach (var (content, what) in new (byte[], string)[]
        {
            (bytes[..^1], "Torn"),
            ([.. bytes[..200], (byte)(bytes[200] ^ 1), .. bytes[201..]], "Damage"),
            ([(byte)(bytes[0] ^ 1), .. bytes[1..]], "header"),
            ([.. bytes, .. stranger.Written], "type 99"),
            ([.. bytes, .. new byte[100]], "Torn"),
        })
        {
            var outcome = _recoder.WriteAside(_storage, Folder, good with { Content = FileOf(content) }, CancellationToken.None).Value;
            Assert.Null(outcome.Block);
            Assert.Contains(what, outcome.Reason, StringComparison.Ordinal);
        }

        foreach (var other in new[] { good with { EventCount = 601 }, good with { FrameCount = 5 }, good with { NextSequence = 9 }, good with { Header = Header with { Index = 4 } } })
        {
            var outcome = _recoder.WriteAside(_storage, Folder, other, CancellationToken.None).Value;
            Assert.Null(outcome.Block);
            Assert.NotNull(outcome.Reason);
        }

        Assert.DoesNotContain(Aside, _storage.Snapshot().Keys);
        Assert.NotNull(_recoder.WriteAside(_storage, Folder, good, CancellationToken.None).Value.Block);
    }

    [Fact]
    public void Where_nothing_is_saved_or_the_work_is_given_up_no_file_is_left()
    {
        var random = new Random(3);
        var noise = new EventBatch(_oids);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = new byte[200];
            random.NextBytes(bytes);
            noise.Add(new TelemetryEvent(EventSamples.Valve, i, 1, 0, TelemetryValue.From(bytes), new Ieid(1, (ulong)i)));
        }

        var saved = _recoder.WriteAside(_storage, Folder, Write(noise, framesOf: 1000), CancellationToken.None).Value;
        Assert.Equal((null, null), (saved.Block, saved.Reason));
        using var end = new CancellationTokenSource();
        end.Cancel();
        Assert.Null(_recoder.WriteAside(_storage, Folder, Write(Walk(600), framesOf: 100), end.Token).Value.Block);
        Assert.DoesNotContain(Aside, _storage.Snapshot().Keys);
    }

    [Theory]
    [InlineData(StorageOperation.Open, Errno.NoSpace)]
    [InlineData(StorageOperation.Write, Errno.NoSpace)]
    [InlineData(StorageOperation.Sync, Errno.InputOutput)]
    public void A_disk_that_fails_leaves_no_file_and_a_later_try_succeeds(StorageOperation operation, int errno)
    {
        var old = Write(Walk(600), framesOf: 100);
        _storage.Fault = (_, o, path) => o == operation && path == Aside ? errno : null;
        Assert.Equal(errno, _recoder.WriteAside(_storage, Folder, old, CancellationToken.None).Error!.Errno);
        Assert.DoesNotContain(Aside, _storage.Snapshot().Keys);
        _storage.Fault = null;
        _storage.Overwrite(Aside, new byte[3]);
        Assert.NotNull(_recoder.WriteAside(_storage, Folder, old, CancellationToken.None).Value.Block);
        Assert.Equal(600, Read(out _).Count);
    }

    private static LossRecord Loss(ulong count) => new(LossReason.SourceOverflow, 0, 0, count, IsExact: true, 1, 2, 3, "plc", "");

    private EventBatch Walk(int count)
    {
        var batch = new EventBatch(_oids);
        for (var i = 0; i < count; i++)
        {
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:plant/{i % 50}"), i / 50 * 100_000_000L, 1, 0, TelemetryValue.From(20 + i % 7 / 100.0), new Ieid(1, (ulong)i)));
        }

        return batch;
    }

    private ClosedContent Write(
        EventBatch batch, int framesOf, Dictionary<int, LossRecord>? losses = null, Func<int, SourcePosition>? positions = null)
    {
        var output = new ByteWriter();
        output.WriteBytes(Header.ToBytes());
        var builder = new EventFrameBuilder();
        var (frames, sequence, commit) = (0u, Header.FirstSequence, (ushort)1);
        AppendLoss(0);
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
            if (builder.Count == framesOf || i == batch.Count - 1 || losses?.ContainsKey(i + 1) == true)
            {
                var count = (ulong)builder.Count;
                builder.Finish(output, Header.Stream.High, sequence, commit);
                sequence += count;
                frames++;
                if (positions is not null)
                {
                    positions(i + 1).AppendFrame(output, Header.Stream.High, sequence, commit);
                    frames++;
                }

                AppendLoss(i + 1);
                commit++;
            }
        }

        return new ClosedContent(Name, Header, frames, (ulong)batch.Count, sequence, FileOf(output.Written.ToArray()));

        void AppendLoss(int place)
        {
            if (losses?.GetValueOrDefault(place) is { } loss)
            {
                loss.AppendFrame(output, Header.Stream.High, sequence, commit);
                frames++;
            }
        }
    }

    private static IStorageFile FileOf(byte[] content)
    {
        var storage = new SimulatedStorage();
        storage.Overwrite("/old", content);
        return storage.Open("/old", write: false).Value;
    }

    private static byte[] ReadAll(ClosedContent block)
    {
        var bytes = new byte[block.Content.Length().Value];
        Assert.Equal(bytes.Length, block.Content.ReadAt(0, bytes).Value);
        return bytes;
    }

    /// <summary>How many events each frame has, or 0 for a record of loss, and where it stands.</summary>
    private (int Events, ulong Behind)[] EventsBefore()
    {
        using var file = _storage.Open(Aside, write: false).Value;
        var scanner = BlockScanner.Open(file).Value;
        var frames = new List<(int, ulong)>();
        while (scanner.Next().Value is { Kind: ScanKind.Frame } item)
        {
            if (EventFrameReader.HoldsEvents(item.Header.Type))
            {
                frames.Add(((int)item.Header.EventCount, item.Header.NextSequence));
            }
            else if (item.Header.Type == FrameType.Loss && item.Header.FirstSequence == Header.FirstSequence)
            {
                frames.Add((0, item.Header.FirstSequence));
            }
        }

        return [.. frames];
    }

    private EventBatch Read(out BlockReport report)
    {
        using var file = _storage.Open(Aside, write: false).Value;
        report = BlockReport.Create(file).Value;
        var scanner = BlockScanner.Open(file).Value;
        var batch = new EventBatch(_oids);
        var reader = new EventFrameReader();
        while (scanner.Next().Value is { Kind: not ScanKind.End } item)
        {
            if (item.Kind == ScanKind.Frame && EventFrameReader.HoldsEvents(item.Header.Type))
            {
                Assert.Null(reader.Read(item.Header, item.Payload.Span, batch));
            }
        }

        return batch;
    }
}
