using System.Globalization;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Simulation;

/// <summary>Everything about a run that follows from its seed.</summary>
internal sealed record Plan
{
    public required int Seed { get; init; }

    /// <summary>How long faults and readings come, virtual time.</summary>
    public required TimeSpan Duration { get; init; }

    public int Edges { get; init; }

    public int Centres { get; init; }

    public long MaxBlockBytes { get; init; }

    public TimeSpan BlockTtl { get; init; }

    public TimeSpan? MaxDelay { get; init; }

    public TimeSpan? Keep { get; init; }

    public TimeSpan CommitDelay { get; init; }

    public BlockCoding Coding { get; init; }

    public TransferCoding Travel { get; init; }

    public int MaxPendingAppends { get; init; }

    public int ChunkBytes { get; init; }

    public TimeSpan FetchInterval { get; init; }

    public TimeSpan FetchDuration { get; init; }

    public int BlocksInFlight { get; init; }

    public int EventsPerTransaction { get; init; }

    public bool IsDatabaseServer { get; init; }

    public bool HasJsonLines { get; init; }

    public bool NamesInAnyOrder { get; init; }

    public TimeSpan EmitEvery { get; init; }

    public int ReadingsAtOnce { get; init; }

    public TimeSpan FaultEvery { get; init; }

    public double Drop { get; init; }

    public double Repeat { get; init; }

    public double Reorder { get; init; }

    public double Corrupt { get; init; }

    public double Truncate { get; init; }

    public TimeSpan Latency { get; init; }

    public TimeSpan DatabaseSlowness { get; init; }

    public double DatabaseFails { get; init; }

    public double DatabaseLosesAnswers { get; init; }

    public bool HasClockJumps { get; init; }

    public bool HasDiskFaults { get; init; }

    public bool HasReadFaults { get; init; }

    /// <summary>Whether bytes go bad that were on disk.</summary>
    public bool HasRot { get; init; }

    /// <summary>Whether blocks may be given up because nobody fetched them in time.</summary>
    public bool MayExpire => Keep is not null;

    /// <summary>Whether bytes of open blocks go bad as well.</summary>
    public bool HasOpenRot { get; init; }

    /// <summary>Whether a disk may keep to itself what was written and synced.</summary>
    public bool MayForget => HasReadFaults || HasRot;

    public static Plan Of(int seed, TimeSpan duration)
    {
        var random = new Random(seed);
        return new Plan
        {
            Seed = seed,
            Duration = duration,
            Edges = 1 + random.Next(2),
            Centres = 1 + (random.Next(3) == 0 ? 1 : 0),
            MaxBlockBytes = Pick(random, 700, 2000, 6000, 20_000),
            BlockTtl = Seconds(random, 2, 60),
            MaxDelay = random.Next(3) == 0 ? Seconds(random, 0.2, 5) : null,
            Keep = random.Next(6) == 0 ? Seconds(random, 20, 120) : null,
            CommitDelay = TimeSpan.FromMilliseconds(random.Next(4) == 0 ? 0 : random.Next(1, 60)),
            Coding = Pick(random, BlockCoding.Columns, BlockCoding.Columns, BlockCoding.Rows),
            Travel = Pick(random, TransferCoding.ColumnarBrotli, TransferCoding.ColumnarBrotli, TransferCoding.None),
            MaxPendingAppends = Pick(random, 2, 8, 512),
            ChunkBytes = Pick(random, 1024, 2048, 16_384),
            FetchInterval = Seconds(random, 1, 20),
            FetchDuration = Seconds(random, 30, 600),
            BlocksInFlight = Pick(random, 1, 3, 128),
            EventsPerTransaction = Pick(random, 3, 20, 65_536),
            IsDatabaseServer = random.Next(2) == 0,
            HasJsonLines = random.Next(3) == 0,
            NamesInAnyOrder = random.Next(3) == 0,
            EmitEvery = Seconds(random, 0.1, 2),
            ReadingsAtOnce = Pick(random, 1, 5, 20),
            FaultEvery = Seconds(random, 3, 40),
            Drop = Share(random, 0.1),
            Repeat = Share(random, 0.1),
            Reorder = Share(random, 0.3),
            Corrupt = Share(random, 0.03),
            Truncate = Share(random, 0.03),
            Latency = TimeSpan.FromMilliseconds(random.Next(1, 200)),
            DatabaseSlowness = TimeSpan.FromMilliseconds(Pick(random, 1, 20, 300)),
            DatabaseFails = Share(random, 0.05),
            DatabaseLosesAnswers = Share(random, 0.1),
            HasClockJumps = random.Next(3) == 0,
            HasDiskFaults = random.Next(2) == 0,
            HasReadFaults = random.Next(2) == 0,
            HasRot = random.Next(3) == 0,
        };
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"edges {Edges}, centres {Centres}, block {MaxBlockBytes} B / {BlockTtl.TotalSeconds:0.0} s, max_delay {Show(MaxDelay)}, keep {Show(Keep)}, "
        + $"commit_delay {CommitDelay.TotalMilliseconds} ms, {Coding}, {Travel}, pending {MaxPendingAppends}, chunk {ChunkBytes} B, "
        + $"fetch every {FetchInterval.TotalSeconds:0.0} s for {FetchDuration.TotalSeconds:0} s, in flight {BlocksInFlight}, transaction {EventsPerTransaction}, "
        + $"database {(IsDatabaseServer ? "server" : "embedded")} {DatabaseSlowness.TotalMilliseconds} ms fails {DatabaseFails:0.00} loses answers {DatabaseLosesAnswers:0.00}, "
        + $"json lines {HasJsonLines}, names in any order {NamesInAnyOrder}, readings {ReadingsAtOnce} every {EmitEvery.TotalSeconds:0.0} s, fault every {FaultEvery.TotalSeconds:0} s, "
        + $"bus {Latency.TotalMilliseconds} ms drop {Drop:0.00} repeat {Repeat:0.00} reorder {Reorder:0.00} change {Corrupt:0.00} cut {Truncate:0.00}, "
        + $"clock jumps {HasClockJumps}, disk faults {HasDiskFaults}, read faults {HasReadFaults}, rot {HasRot}");

    private static string Show(TimeSpan? time) => time is { } t ? string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0.0} s") : "none";

    private static T Pick<T>(Random random, params T[] values) => values[random.Next(values.Length)];

    private static TimeSpan Seconds(Random random, double from, double to) => TimeSpan.FromSeconds(from + (to - from) * random.NextDouble());

    /// <summary>None at all in a third of the seeds.</summary>
    private static double Share(Random random, double most) => random.Next(3) == 0 ? 0 : most * random.NextDouble();
}
