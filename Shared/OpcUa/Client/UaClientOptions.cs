using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.OpcUa.Client;

/// <summary>How to reach a server, and as whom.</summary>
public sealed record UaClientOptions
{
    /// <summary>The server, <c>opc.tcp://host:port/path</c>. The socket goes to this host and port, whatever the server calls itself.</summary>
    public required string EndpointUrl { get; init; }

    /// <summary>This application's URI; with a certificate it is the one in the certificate.</summary>
    public required string ApplicationUri { get; init; }

    /// <summary>This application's name, as the server's operators see it.</summary>
    public required string ApplicationName { get; init; }

    /// <summary>The security policy. A server that does not offer exactly this policy and <see cref="Mode"/> is an error.</summary>
    public SecurityPolicy Policy { get; init; } = SecurityPolicy.None;

    /// <summary>Whether messages are signed, and encrypted.</summary>
    public MessageSecurityMode Mode { get; init; } = MessageSecurityMode.None;

    /// <summary>This application's certificate; needed with every policy but None. Owned by the caller.</summary>
    public ApplicationCertificate? Certificate { get; init; }

    /// <summary>Judges the server's certificate; needed with every policy but None.</summary>
    public CertificateValidator? Validator { get; init; }

    /// <summary>The account, or null for anonymous.</summary>
    public string? UserName { get; init; }

    /// <summary>Its password.</summary>
    public string? Password { get; init; }

    /// <summary>How long the server keeps a session without a word from the client; it may decide otherwise.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a channel's keys are used; renewed at three quarters of what the server grants.</summary>
    public TimeSpan ChannelLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long to wait for a connection, and for the answer to any request but Publish.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The first pause before connecting again; it doubles, with jitter, up to <see cref="ReconnectDelayMax"/>.</summary>
    public TimeSpan ReconnectDelayMin { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause before connecting again.</summary>
    public TimeSpan ReconnectDelayMax { get; init; } = TimeSpan.FromSeconds(30);
}
