namespace ZfRepl.Replicator.Fetch;

/// <summary>How a question to a source ended.</summary>
public enum LinkStatus
{
    /// <summary>As asked.</summary>
    Ok,

    /// <summary>There is no connection to the broker.</summary>
    NotConnected,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>The source does not have it (any more).</summary>
    NotFound,

    /// <summary>The source can't at present.</summary>
    NotReady,

    /// <summary>The answer makes no sense, or the source refuses for good.</summary>
    Refused,
}

/// <summary>An answer of a source.</summary>
/// <param name="Status">How the question ended.</param>
/// <param name="Value">The answer, when it ended well.</param>
/// <param name="Detail">For people, when it did not.</param>
/// <typeparam name="T">The answer's type.</typeparam>
public readonly record struct LinkAnswer<T>(LinkStatus Status, T? Value, string Detail)
{
    /// <summary>True when it ended well.</summary>
    public bool IsOk => Status == LinkStatus.Ok;

    /// <summary>The same failure for another type of answer.</summary>
    public LinkAnswer<TOther> As<TOther>() => new(Status, default, Detail);
}
