using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Blocks;

/// <summary>One block, many damages: what is intact comes back, everything else is reported with its place and reason.</summary>
public sealed class BlockTests
{
    private static readonly StreamId Stream = new(0xA1A2_A3A4_A5A6_A7A8, 0xB1B2_B3B4_B5B6_B7B8);
    private static readonly BlockHeader Header = new(Stream, 3, 100, 1_700_000_000_000_000_000, "edge1", "centre");

    [Fact]
    public void A_sealed_block_reports_itself_intact()
    {
        var bytes = SealedBlock(6, 5, out var events);
        var report = Report(bytes);
        Assert.True(report.IsIntact);
        Assert.Equal(Header, report.Header);
        Assert.Equal((6u, 30UL, 100UL, 130UL), (report.FrameCount, report.EventCount, report.FirstSequence, report.NextSequence));
        Assert.Equal(events, ReadEvents(bytes));
        Assert.Equal(events.Min(e => e.TimeNs), report.Trailer!.MinTimeNs);
    }

    [Fact]
    public void A_block_cut_at_every_byte_gives_back_every_whole_frame()
    {
        var bytes = SealedBlock(5, 4, out var events);
        var ends = FrameEnds(bytes);
        for (var length = 0; length < bytes.Length; length++)
        {
            var cut = bytes[..length];
            var whole = ends.Count(end => end <= length);
            Assert.Equal(events.Take(whole * 4), ReadEvents(cut));
            var report = Report(cut);
            Assert.Null(report.Trailer);
            Assert.Empty(report.Damages);
            var lastEnd = ends.Where(end => end <= length).DefaultIfEmpty(0).Max();
            var intactEnd = lastEnd > 0 ? lastEnd : report.Header is null ? 0 : Header.ToBytes().Length;
            Assert.Equal(intactEnd < length, report.TornTail is not null);
            if (report.TornTail is { } tail)
            {
                Assert.Equal((intactEnd, length - intactEnd), (tail.Offset, tail.LengthBytes));
            }
        }
    }

    [Fact]
    public void A_block_with_every_byte_flipped_gives_back_every_other_frame_and_names_the_missing_events()
    {
        var bytes = SealedBlock(5, 4, out var events);
        var starts = FrameStarts(bytes);
        var headerLength = Header.ToBytes().Length;
        for (var i = 0; i < bytes.Length; i++)
        {
            var flipped = (byte[])bytes.Clone();
            flipped[i] ^= 0x5A;
            var report = Report(flipped);
            var frame = starts.FindLastIndex(start => start <= i);
            if (i < headerLength)
            {
                Assert.Equal(events, ReadEvents(flipped));
                Assert.Equal((0, headerLength), (report.Damages[0].Offset, report.Damages[0].LengthBytes));
            }
            else if (frame < 5)
            {
                Assert.Equal(events.Where((_, index) => index / 4 != frame), ReadEvents(flipped));
                var damage = Assert.Single(report.Damages);
                Assert.Equal(starts[frame], damage.Offset);
                Assert.NotEmpty(damage.Reason);
                Assert.Equal(new MissingRange(100 + (ulong)frame * 4, 103 + (ulong)frame * 4), Assert.Single(report.Missing));
            }
            else
            {
                // The trailer: all events are there, but the block is not proven complete.
                Assert.Equal(events, ReadEvents(flipped));
            }

            Assert.False(report.IsIntact);
        }
    }

    [Fact]
    public void A_zeroed_or_garbage_sector_in_the_middle_costs_only_the_frames_that_it_touches()
    {
        var bytes = SealedBlock(40, 10, out var events);
        var starts = FrameStarts(bytes);
        var random = new Random(11);
        // Without its trailer a block can't say what is missing at its end, so the trailer stays whole here.
        for (var sector = 512; sector + 512 <= starts[40]; sector += 512)
        {
            foreach (var garbage in new[] { false, true })
            {
                var damaged = (byte[])bytes.Clone();
                Array.Clear(damaged, sector, 512);
                if (garbage)
                {
                    random.NextBytes(damaged.AsSpan(sector, 512));
                }

                var touched = Enumerable.Range(0, 40).Where(f => starts[f] < sector + 512 && starts[f + 1] > sector).ToHashSet();
                Assert.Equal(events.Where((_, index) => !touched.Contains(index / 10)), ReadEvents(damaged));
                Assert.Equal((ulong)touched.Count * 10, Report(damaged).Missing.Aggregate(0UL, (sum, m) => sum + m.Count));
            }
        }
    }

    [Fact]
    public void Frames_of_another_stream_or_from_before_are_not_taken_for_this_blocks_frames()
    {
        var bytes = SealedBlock(3, 4, out var events);
        var starts = FrameStarts(bytes);
        // Frame 1 is replaced by old content of the same length: a copy of frame 0, whose sequence runs backwards.
        var frame0 = bytes[starts[0]..starts[1]];
        var replaced = bytes[..starts[1]].Concat(frame0).Concat(bytes[starts[2]..]).ToArray();
        Assert.Equal(events.Where((_, index) => index / 4 != 1), ReadEvents(replaced));

        var foreign = new ByteWriter();
        FrameHeader.Append(foreign, FrameType.EventRows, 1, 999, 104, [1, 2, 3]);
        var inserted = bytes[..starts[1]].Concat(foreign.Written.ToArray()).Concat(bytes[starts[1]..]).ToArray();
        Assert.Equal(events, ReadEvents(inserted));
        Assert.Contains(Report(inserted).Damages, d => d.Offset == starts[1] && d.LengthBytes == foreign.Length);
    }

    [Fact]
    public void A_frame_of_an_unknown_type_is_passed_over()
    {
        using var folder = new TempFolder();
        var appender = BlockAppender.Create(DiskStorage.Instance, folder.Path, new BlockName(5), Header).Value;
        var frame = new ByteWriter();
        FrameHeader.Append(frame, (FrameType)77, 4, Stream.High, 100, [9, 9, 9]);
        Assert.True(appender.Append(frame.Written, new FrameStats(1, 4, 104, 0, 0)).IsOk);
        var trailer = appender.Seal();
        Assert.True(trailer.IsOk);
        appender.Dispose();
        var report = Report(File.ReadAllBytes(folder["mbb_5"]));
        Assert.True(report.IsIntact);
        Assert.Equal(4UL, report.EventCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(4096)]
    public void Files_that_are_no_blocks_are_described_and_never_throw(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        var report = Report(bytes);
        Assert.Null(report.Header);
        Assert.Equal(0UL, report.EventCount);
        Assert.Empty(ReadEvents(bytes));
    }

    [Fact]
    public void A_file_full_of_frame_magics_is_scanned_in_reasonable_time()
    {
        var bytes = new byte[4 * 1024 * 1024];
        for (var i = 0; i < bytes.Length; i += 4)
        {
            FrameHeader.Magic.CopyTo(bytes.AsSpan(i));
        }

        var file = new CountingFile(bytes);
        Assert.True(BlockReport.Create(file).IsOk);
        Assert.InRange(file.BytesRead, bytes.Length, 3L * bytes.Length);
    }

    [Fact]
    public void A_block_of_a_later_format_says_that_the_program_must_be_updated()
    {
        var bytes = SealedBlock(1, 1, out _);
        bytes[10] = 9;
        var length = Header.ToBytes().Length;
        BitConverter.GetBytes(Crc32C.Compute(bytes.AsSpan(0, length - 4))).CopyTo(bytes, length - 4);
        Assert.NotNull(BlockHeader.TryRead(bytes, out _, out _));
        Assert.Contains("update the program", BlockHeader.TryRead(bytes, out _, out _), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mbb_1656445625", true)]
    [InlineData("mbb_0", true)]
    [InlineData("mbb_", false)]
    [InlineData("mbb_01", false)]
    [InlineData("mbb_-1", false)]
    [InlineData("mbb_1/../x", false)]
    [InlineData("../mbb_1", false)]
    [InlineData("mbb_1.open", false)]
    [InlineData("mbb_99999999999999999999", false)]
    public void Only_exact_block_names_are_names(string text, bool valid) => Assert.Equal(valid, BlockName.TryParse(text, out _));

    [Fact]
    public void Block_names_grow_also_when_the_clock_steps_back()
    {
        var name = BlockName.After(null, 1000);
        Assert.Equal("mbb_1000", name.ToString());
        Assert.Equal("mbb_1001", BlockName.After(name, 1000).ToString());
        Assert.Equal("mbb_1001", BlockName.After(name, -5).ToString());
        Assert.Equal("mbb_2000", BlockName.After(name, 2000).ToString());
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(104UL, false)] // The next block begins behind it, so it was accepted.
    public void A_last_commit_that_was_cut_short_does_not_count_also_where_something_in_front_of_it_is_damaged(ulong? nextSequence, bool isTorn)
    {
        // Commits of a frame with an event each, only the last one has two, and the second of these is not there.
        var block = new List<byte>(Header.ToBytes());
        var starts = new List<int>();
        for (var f = 0; f < 4; f++)
        {
            var builder = new EventFrameBuilder();
            builder.Append(EventSamples.Random(f, 1), 0);
            var frame = new ByteWriter();
            builder.Finish(frame, Stream.High, Header.FirstSequence + (ulong)f, (ushort)f);
            if (f < 3)
            {
                FrameHeader.MarkCommitEnd(frame.Patch(0, FrameHeader.SizeBytes));
            }

            starts.Add(block.Count);
            block.AddRange(frame.Written);
        }

        block[starts[1] + FrameHeader.SizeBytes] ^= 1;
        var bounds = new BlockBounds(Header.FirstSequence, nextSequence);
        var report = BlockReport.Create(new CountingFile([.. block]), Stream, bounds: bounds).Value;
        Assert.Single(report.Damages);
        Assert.Equal(isTorn ? starts[3] : null, report.TornTail?.Offset);
        Assert.Equal(Header.FirstSequence + (isTorn ? 3UL : 4UL), report.NextSequence);
        Assert.Equal((isTorn ? 2u : 3u, isTorn ? 2UL : 3UL), (report.FrameCount, report.EventCount));

        var storage = new SimulatedStorage();
        Assert.True(storage.CreateFolder("/b").IsOk);
        storage.Overwrite("/b/mbb_1.open", [.. block]);
        var aside = Quarantine.Open(storage, "/b/quarantine", new ManualTime()).Value;
        var salvaged = BlockSalvage.Salvage(storage, "/b/mbb_1.open", new BlockName(1), Header, aside, nowNs: 1, nextSequence: nextSequence).Value;
        Assert.Equal((isTorn ? 2UL : 3UL, Header.FirstSequence + (isTorn ? 3UL : 4UL)), (salvaged.Block!.Trailer.EventCount, salvaged.Block.Trailer.NextSequence));
    }

    private static byte[] SealedBlock(int frames, int eventsPerFrame, out TelemetryEvent[] events)
    {
        using var folder = new TempFolder();
        using var appender = BlockAppender.Create(DiskStorage.Instance, folder.Path, new BlockName(1), Header).Value;
        var builder = new EventFrameBuilder();
        var all = EventSamples.Random(frames * 1000 + eventsPerFrame, frames * eventsPerFrame);
        for (var f = 0; f < frames; f++)
        {
            for (var i = 0; i < eventsPerFrame; i++)
            {
                builder.Append(all, f * eventsPerFrame + i);
            }

            var stats = new FrameStats(1, (uint)eventsPerFrame, Header.FirstSequence + (ulong)((f + 1) * eventsPerFrame), builder.MinTimeNs, builder.MaxTimeNs);
            var frame = new ByteWriter();
            builder.Finish(frame, Stream.High, Header.FirstSequence + (ulong)(f * eventsPerFrame), (ushort)f);
            FrameHeader.MarkCommitEnd(frame.Patch(0, FrameHeader.SizeBytes));
            Assert.True(appender.Append(frame.Written, stats).IsOk);
            Assert.True(appender.Sync().IsOk);
        }

        Assert.True(appender.Seal().IsOk);
        events = [.. all.Events()];
        return File.ReadAllBytes(appender.SealedPath);
    }

    private static BlockReport Report(byte[] bytes) => BlockReport.Create(new CountingFile(bytes), Stream).Value;

    private static List<TelemetryEvent> ReadEvents(byte[] bytes)
    {
        var scanner = BlockScanner.Open(new CountingFile(bytes), Stream).Value;
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        while (scanner.Next().Value is { Kind: not ScanKind.End } item)
        {
            if (item.Kind == ScanKind.Frame && EventFrameReader.HoldsEvents(item.Header.Type))
            {
                Assert.Null(reader.Read(item.Header, item.Payload.Span, batch));
            }
        }

        return [.. batch.Events()];
    }

    private static List<int> FrameStarts(byte[] bytes)
    {
        var starts = new List<int>();
        var scanner = BlockScanner.Open(new CountingFile(bytes)).Value;
        while (scanner.Next().Value is { Kind: ScanKind.Frame } item)
        {
            starts.Add((int)item.Offset);
        }

        return starts;
    }

    /// <summary>Where the event frames end; the trailer is left out.</summary>
    private static List<int> FrameEnds(byte[] bytes) => [.. FrameStarts(bytes).Skip(1)];

    private sealed class CountingFile(byte[] bytes) : IStorageFile
    {
        public string Path => "memory";

        public long BytesRead { get; private set; }

        public StorageResult<long> Length() => bytes.LongLength;

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, bytes.Length - offset);
            bytes.AsSpan((int)offset, count).CopyTo(buffer);
            BytesRead += count;
            return count;
        }

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> content) => throw new NotSupportedException();

        public StorageResult SyncData() => throw new NotSupportedException();

        public StorageResult SetLength(long lengthBytes) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
