using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>What a source that is not trusted may write.</summary>
/// <param name="KeyId">The id of the key that its blocks are opened with, for messages.</param>
/// <param name="Rights">The key's rights.</param>
public sealed record SourceGuard(string KeyId, AccessRights Rights)
{
    /// <summary>Gives the key's rights as they are now, where they can change; asked once for each block.</summary>
    public Func<AccessRights>? Live { get; init; }

    /// <summary>The rights as they are now.</summary>
    public AccessRights Now => Live?.Invoke() ?? Rights;
}

/// <summary>What a guard, or a rule of the database, has refused of one block.</summary>
/// <param name="Events">How many events.</param>
/// <param name="First">The item of the first of them.</param>
public sealed record RefusedEvents(long Events, Oid First);
