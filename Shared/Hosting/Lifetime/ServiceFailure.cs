namespace ZfRepl.Hosting.Lifetime;

/// <summary>Why a service could not start or go on. Immutable.</summary>
/// <param name="ExitCode">One of <see cref="Lifetime.ExitCode"/>.</param>
/// <param name="Message">What happened, one sentence without a full stop.</param>
/// <param name="Remedy">What to do, without a full stop; may be empty.</param>
public sealed record ServiceFailure(int ExitCode, string Message, string Remedy)
{
    /// <summary>Message and remedy in one line.</summary>
    public override string ToString() => Remedy.Length == 0 ? Message : $"{Message} ({Remedy})";
}
