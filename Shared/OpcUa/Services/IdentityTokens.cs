using ZfRepl.OpcUa.Encoding;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class AnonymousIdentityToken : IExtensionBody<AnonymousIdentityToken>
{
    public static uint TypeId => 321;

    public string? PolicyId { get; init; }

    public void Encode(UaWriter writer) => writer.WriteString(PolicyId);

    public static AnonymousIdentityToken Decode(ref UaReader reader) => new() { PolicyId = reader.ReadString() };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class UserNameIdentityToken : IExtensionBody<UserNameIdentityToken>
{
    public static uint TypeId => 324;

    public string? PolicyId { get; init; }

    public string? UserName { get; init; }

    /// <summary>A secret, encrypted if there is an <see cref="EncryptionAlgorithm"/>; never log it.</summary>
    public byte[]? Password { get; init; }

    public string? EncryptionAlgorithm { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteString(PolicyId);
        writer.WriteString(UserName);
        writer.WriteByteString(Password);
        writer.WriteString(EncryptionAlgorithm);
    }

    public static UserNameIdentityToken Decode(ref UaReader reader) => new()
    {
        PolicyId = reader.ReadString(),
        UserName = reader.ReadString(),
        Password = reader.ReadByteString(),
        EncryptionAlgorithm = reader.ReadString(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class X509IdentityToken : IExtensionBody<X509IdentityToken>
{
    public static uint TypeId => 327;

    public string? PolicyId { get; init; }

    public byte[]? CertificateData { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteString(PolicyId);
        writer.WriteByteString(CertificateData);
    }

    public static X509IdentityToken Decode(ref UaReader reader) => new()
    {
        PolicyId = reader.ReadString(),
        CertificateData = reader.ReadByteString(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class IssuedIdentityToken : IExtensionBody<IssuedIdentityToken>
{
    public static uint TypeId => 940;

    public string? PolicyId { get; init; }

    /// <summary>A secret; never log it.</summary>
    public byte[]? TokenData { get; init; }

    public string? EncryptionAlgorithm { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteString(PolicyId);
        writer.WriteByteString(TokenData);
        writer.WriteString(EncryptionAlgorithm);
    }

    public static IssuedIdentityToken Decode(ref UaReader reader) => new()
    {
        PolicyId = reader.ReadString(),
        TokenData = reader.ReadByteString(),
        EncryptionAlgorithm = reader.ReadString(),
    };
}
