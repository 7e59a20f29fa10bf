namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>How what was accepted compares with what was delivered.</summary>
/// <param name="Expected">Events that must have arrived.</param>
/// <param name="Delivered">Different events that have arrived and were expected.</param>
/// <param name="Missing">Events that must have arrived and have not.</param>
/// <param name="Duplicates">Events that arrived more often than once.</param>
/// <param name="Invented">Events that arrived and never were.</param>
/// <param name="Examples">A few of the missing, repeated and invented ones.</param>
internal sealed record ProofResult(long Expected, long Delivered, long Missing, long Duplicates, long Invented, IReadOnlyList<string> Examples)
{
    /// <summary>True when everything has arrived, once, and nothing else.</summary>
    public bool Holds => Missing == 0 && Duplicates == 0 && Invented == 0;

    public override string ToString() =>
        $"expected {Expected}, delivered {Delivered}, missing {Missing}, duplicates {Duplicates}, invented {Invented}\n{string.Join('\n', Examples)}";
}
