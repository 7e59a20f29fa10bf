namespace ZfRepl.Core.Telemetry;

/// <summary>
/// What a key may read and write: the union of its access lists. A deny in one list overrides an allow in another; an administrator may
/// do everything; without any list nothing is allowed. Immutable, thread-safe.
/// </summary>
public sealed record AccessRights
{
    /// <summary>Allows nothing.</summary>
    public static AccessRights None { get; } = new();

    /// <summary>True allows everything, whatever is denied.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>Items that may be read.</summary>
    public IReadOnlyList<OidMask> Read { get; init; } = [];

    /// <summary>Items that may be written, and read.</summary>
    public IReadOnlyList<OidMask> Write { get; init; } = [];

    /// <summary>Items that may neither be read nor written.</summary>
    public IReadOnlyList<OidMask> DenyRead { get; init; } = [];

    /// <summary>Items that may not be written.</summary>
    public IReadOnlyList<OidMask> DenyWrite { get; init; } = [];

    /// <summary>The union of several lists, field by field.</summary>
    public static AccessRights Union(IEnumerable<AccessRights> lists)
    {
        var all = lists.ToArray();
        return new AccessRights
        {
            IsAdmin = all.Any(a => a.IsAdmin),
            Read = [.. all.SelectMany(a => a.Read)],
            Write = [.. all.SelectMany(a => a.Write)],
            DenyRead = [.. all.SelectMany(a => a.DenyRead)],
            DenyWrite = [.. all.SelectMany(a => a.DenyWrite)],
        };
    }

    /// <summary>True if events of the item may be imported from whoever holds the key.</summary>
    public bool MayWrite(Oid oid) => IsAdmin || (Any(Write, oid) && !Any(DenyWrite, oid) && !Any(DenyRead, oid));

    /// <summary>True if events of the item may be shown to whoever holds the key.</summary>
    public bool MayRead(Oid oid) => IsAdmin || ((Any(Read, oid) || Any(Write, oid)) && !Any(DenyRead, oid));

    private static bool Any(IReadOnlyList<OidMask> masks, Oid oid)
    {
        foreach (var mask in masks)
        {
            if (mask.Matches(oid))
            {
                return true;
            }
        }

        return false;
    }
}
