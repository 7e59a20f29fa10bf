namespace ZfRepl.Core.Telemetry;

/// <summary>
/// Masks to take and masks to leave out, as <c>oids</c> and <c>oids_exclude</c> in the configuration. Exclusion wins; an empty list
/// of masks to take matches nothing. Immutable, thread-safe.
/// </summary>
public sealed class OidFilter(IReadOnlyList<OidMask> include, IReadOnlyList<OidMask> exclude)
{
    /// <summary>Takes everything.</summary>
    public static OidFilter Everything { get; } = new([OidMask.All], []);

    /// <summary>True if the OID is taken.</summary>
    public bool Matches(Oid oid)
    {
        foreach (var mask in exclude)
        {
            if (mask.Matches(oid))
            {
                return false;
            }
        }

        foreach (var mask in include)
        {
            if (mask.Matches(oid))
            {
                return true;
            }
        }

        return false;
    }
}
