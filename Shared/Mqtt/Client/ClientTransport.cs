using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Client;

/// <summary>Opens TCP and TLS towards a broker. Every failure that the world can cause comes back as a reason.</summary>
internal static class ClientTransport
{
    /// <summary>A connection, or why there is none. The caller cancels <paramref name="limit"/> when it takes too long.</summary>
    public static async Task<OpenResult> OpenAsync(
        MqttHost host, MqttTlsOptions? tls, int packetSizeMax, TimeProvider time, ILogger log, CancellationToken limit)
    {
        SslClientAuthenticationOptions? authentication = null;
        if (tls is not null && !TryLoad(tls, host, log, out authentication, out var whyNot))
        {
            return OpenResult.Failed(MqttDisconnectReason.TlsFilesUnusable, whyNot);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var result = await ConnectAsync(socket, host, limit) is { } failure
            ? failure
            : await SecureAsync(socket, authentication, packetSizeMax, time, limit);
        if (result.Connection is null)
        {
            socket.Dispose();
        }

        return result;
    }

    private static async Task<OpenResult?> ConnectAsync(Socket socket, MqttHost host, CancellationToken limit)
    {
        try
        {
            await socket.ConnectAsync(host.Name, host.Port, limit);
            SocketSettings.Apply(socket);
            return null;
        }
        catch (SocketException e)
        {
            var reason = e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain
                ? MqttDisconnectReason.NameNotResolved
                : MqttDisconnectReason.Unreachable;
            return OpenResult.Failed(reason, e.Message);
        }
        catch (OperationCanceledException)
        {
            return OpenResult.TimedOut("TCP");
        }
    }

    private static async Task<OpenResult> SecureAsync(
        Socket socket, SslClientAuthenticationOptions? authentication, int packetSizeMax, TimeProvider time, CancellationToken limit)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: false);
        if (authentication is null)
        {
            return new OpenResult(new PacketConnection(socket, stream, packetSizeMax, time), MqttDisconnectReason.None, "");
        }

        var secure = new SslStream(stream);
        try
        {
            await secure.AuthenticateAsClientAsync(authentication, limit);
            return new OpenResult(new PacketConnection(socket, secure, packetSizeMax, time), MqttDisconnectReason.None, "");
        }
        catch (OperationCanceledException)
        {
            await secure.DisposeAsync();
            return OpenResult.TimedOut("TLS");
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            await secure.DisposeAsync();
            var reason = e is AuthenticationException ? MqttDisconnectReason.TlsFailed : MqttDisconnectReason.ConnectionLost;
            return OpenResult.Failed(reason, $"The TLS handshake failed: {ConnectionFailure.Describe(e)}");
        }
    }

    private static bool TryLoad(
        MqttTlsOptions tls, MqttHost host, ILogger log, out SslClientAuthenticationOptions options, out string whyNot)
    {
        options = new SslClientAuthenticationOptions
        {
            TargetHost = tls.ServerName ?? host.Name,
            EnabledSslProtocols = SslProtocols.None,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        try
        {
            if (tls.CaFile is { } caFile)
            {
                options.CertificateChainPolicy = TrustOnly(caFile);
            }

            if (tls.ClientCertificateFile is { } certificateFile)
            {
                var certificate = X509Certificate2.CreateFromPemFile(certificateFile, tls.ClientKeyFile);
                options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
            }

            options.RemoteCertificateValidationCallback =
                (_, _, _, errors) => errors == SslPolicyErrors.None || Tolerate(tls, host, errors, log);
            whyNot = "";
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            whyNot = $"A certificate or key file cannot be used: {e.Message}";
            return false;
        }
    }

    /// <summary>The certificate is not good enough; the owner may have said that he does not care.</summary>
    private static bool Tolerate(MqttTlsOptions tls, MqttHost host, SslPolicyErrors errors, ILogger log)
    {
        if (tls.AcceptAnyServer)
        {
            ClientLog.ServerNotChecked(log, host, errors);
        }

        return tls.AcceptAnyServer;
    }

    private static X509ChainPolicy TrustOnly(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(caFile);
        if (policy.CustomTrustStore.Count == 0)
        {
            throw new CryptographicException($"There is no certificate in {caFile}.");
        }

        return policy;
    }
}

/// <summary>What came of opening: a connection, or a reason and one line.</summary>
internal readonly record struct OpenResult(PacketConnection? Connection, MqttDisconnectReason Reason, string Detail)
{
    public static OpenResult Failed(MqttDisconnectReason reason, string detail) => new(null, reason, detail);

    public static OpenResult TimedOut(string step) => new(null, MqttDisconnectReason.ConnectTimedOut, $"{step} took longer than allowed.");
}
