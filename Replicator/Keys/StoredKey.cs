using System.Security.Cryptography;
using System.Text;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Keys;

/// <summary>A key in a store. Immutable; never printed whole.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Secret">The secret; null for a retired key, and for one whose secret stands elsewhere.</param>
/// <param name="Acls">The names of its access lists.</param>
/// <param name="Created">When it was made, as ISO 8601, or null.</param>
/// <param name="Retired">When it was retired, as ISO 8601, or null while it is in use.</param>
public sealed record StoredKey(string Id, string? Secret, IReadOnlyList<string> Acls, string? Created, string? Retired)
{
    private const int FingerprintChars = 16;

    /// <summary>A digest by which two sides can see that they have the same secret; null without one.</summary>
    public string? Fingerprint => Secret is null
        ? null
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"zfrepl key fingerprint\n{Secret}")))[..FingerprintChars];

    /// <inheritdoc/>
    public override string ToString() => $"key {Id}";
}

/// <summary>An access list in a store, as its masks are written. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsAdmin">True allows everything.</param>
/// <param name="Read">Masks of items that may be read.</param>
/// <param name="Write">Masks of items that may be written.</param>
/// <param name="DenyRead">Masks of items that may neither be read nor written.</param>
/// <param name="DenyWrite">Masks of items that may not be written.</param>
public sealed record StoredAcl(
    string Name,
    bool IsAdmin,
    IReadOnlyList<OidMask> Read,
    IReadOnlyList<OidMask> Write,
    IReadOnlyList<OidMask> DenyRead,
    IReadOnlyList<OidMask> DenyWrite)
{
    /// <summary>The rights that it gives.</summary>
    public AccessRights Rights => new() { IsAdmin = IsAdmin, Read = Read, Write = Write, DenyRead = DenyRead, DenyWrite = DenyWrite };
}
