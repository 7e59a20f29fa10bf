namespace ZfRepl.Core.History;

/// <summary>Sequence numbers of a stream, without a hole.</summary>
/// <param name="First">The first one; at most 2^63 - 1.</param>
/// <param name="Last">The last one, not below the first; at most 2^63 - 1.</param>
public readonly record struct SequenceRange(ulong First, ulong Last)
{
    /// <summary>How many.</summary>
    public ulong Count => Last - First + 1;
}
