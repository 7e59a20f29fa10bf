namespace ZfRepl.Cli.Progress;

/// <summary>How far long work is, as people are shown it.</summary>
/// <param name="What">Which work, such as <c>filling centre</c>.</param>
internal sealed record WorkView(string What)
{
    /// <summary>0 to 100, or null where nobody knows how much there is.</summary>
    public double? Percent { get; init; }

    /// <summary>Blocks or files done.</summary>
    public long? Done { get; init; }

    /// <summary>Blocks or files in all, as far as that is known.</summary>
    public long? Total { get; init; }

    /// <summary>What is counted there: blocks or files.</summary>
    public string Unit { get; init; } = "blocks";

    /// <summary>Events so far.</summary>
    public long Events { get; init; }

    /// <summary>Bytes so far.</summary>
    public long Bytes { get; init; }

    /// <summary>How fast.</summary>
    public double EventsPerSecond { get; init; }

    /// <summary>How fast.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>About how long it still takes, or null where that can't be said.</summary>
    public double? RemainingSeconds { get; init; }

    /// <summary>What it waits for, or nothing.</summary>
    public string Note { get; init; } = "";
}
