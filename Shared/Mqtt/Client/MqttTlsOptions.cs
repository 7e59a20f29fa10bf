namespace ZfRepl.Mqtt.Client;

/// <summary>How the client checks the server, and how it proves itself, over TLS 1.2 or 1.3. Files are read again at each connection.</summary>
public sealed class MqttTlsOptions
{
    /// <summary>
    /// A PEM file with the certificates of the only authorities that are trusted. Null: those of the operating system. Revocation lists are not
    /// fetched: a plant's network rarely reaches them.
    /// </summary>
    public string? CaFile { get; init; }

    /// <summary>A PEM file with the client's certificate; null when the server asks for none. Needs <see cref="ClientKeyFile"/>.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>A PEM file with the unencrypted key of the client's certificate.</summary>
    public string? ClientKeyFile { get; init; }

    /// <summary>The name that the server's certificate must carry; null: the host name that is connected to.</summary>
    public string? ServerName { get; init; }

    /// <summary>
    /// Accepts any certificate, and with it any server. For trying out only: whoever can redirect the connection reads the password. Every
    /// connection to a server that would have been turned away is logged as a warning.
    /// </summary>
    public bool AcceptAnyServer { get; init; }
}
