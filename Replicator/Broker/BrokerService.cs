using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Mqtt.Broker;

namespace ZfRepl.Replicator.Broker;

/// <summary>Everything that a broker's configuration says.</summary>
/// <param name="Id">The service's id.</param>
/// <param name="Listeners">Where it listens.</param>
/// <param name="Users">Accounts with their passwords.</param>
/// <param name="AllowAnonymous">Lets clients in without an account.</param>
/// <param name="CertificateFile">The PEM file with the certificate; turns TLS on.</param>
/// <param name="KeyFile">The PEM file with its private key.</param>
public sealed record BrokerOptions(
    string Id,
    IReadOnlyList<IPEndPoint> Listeners,
    IReadOnlyDictionary<string, string> Users,
    bool AllowAnonymous,
    string? CertificateFile,
    string? KeyFile);

/// <summary>The broker's section of a service file → options.</summary>
public static class BrokerBinder
{
    /// <summary>The section's name.</summary>
    public const string Role = "broker";

    /// <summary>Binds the section.</summary>
    public static BrokerOptions Bind(ServiceFile file)
    {
        var section = file.RoleSection!;
        var listeners = new List<IPEndPoint>();
        foreach (var host in section.Hosts("listen") ?? [new HostPort("127.0.0.1", 1883)])
        {
            if (IPAddress.TryParse(host.Host, out var address))
            {
                listeners.Add(new IPEndPoint(address, host.Port));
            }
            else
            {
                section.Error("listen", $"'{host.Host}' is no address of this machine", "write an IP address such as 0.0.0.0 or 127.0.0.1");
            }
        }

        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        if (section.Section("users") is { } accounts)
        {
            foreach (var name in accounts.Keys)
            {
                if (accounts.Secret(name) is { } password)
                {
                    users.Add(name, password);
                }
            }
        }

        var anonymous = section.Bool("anonymous") ?? false;
        if (!anonymous && users.Count == 0)
        {
            section.Error(null, "nobody could log in", "add `users:` with `name: password`, or `anonymous: true` on a closed network");
        }

        var tls = section.Section("tls");
        tls?.Require("certificate", "key");
        return new BrokerOptions(file.Id, listeners, users, anonymous, BindPem(tls, "certificate"), BindPem(tls, "key"));
    }

    private static string? BindPem(ConfigSection? tls, string key)
    {
        var path = tls?.FilePath(key);
        if (path is not null && !File.Exists(path))
        {
            tls!.Error(key, $"the file {path} is not there", "give the path of a PEM file");
        }

        return path;
    }
}

/// <summary>The embedded broker as a service, for sites without one of their own. It keeps nothing: a broker is a pipe.</summary>
public sealed partial class BrokerService(BrokerOptions options) : IService
{
    /// <inheritdoc/>
    public string Id => options.Id;

    /// <inheritdoc/>
    public string Description => $"MQTT broker on {string.Join(", ", options.Listeners)}";

    /// <inheritdoc/>
    public async Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop)
    {
        X509Certificate2? certificate = null;
        if (options.CertificateFile is not null && (certificate = LoadCertificate(out var failure)) is null)
        {
            return failure;
        }

        using (certificate)
        {
            await using var broker = new MqttBroker(new MqttBrokerOptions
            {
                Listeners = [.. options.Listeners.Select(l => new MqttListener(l.Address, l.Port) { Certificate = certificate })],
                AllowAnonymous = options.AllowAnonymous,
                Users = options.Users.ToDictionary(u => u.Key, u => MqttPasswordHash.Create(u.Value), StringComparer.Ordinal),
                Time = context.Time,
                Log = context.Loggers.CreateLogger("broker"),
            });
            if (!broker.TryStart(out var whyNot))
            {
                return new ServiceFailure(ExitCode.Failed, whyNot, "choose another address or port, or stop the program that uses it");
            }

            foreach (var endpoint in broker.Endpoints)
            {
                Listening(context.Logger, endpoint);
            }

            context.Methods.Add("status", "gives the broker's counters", [], (_, _) => Task.FromResult(Status(broker)));
            context.SignalReady();
            var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = stop.Register(end.SetResult);
            await Task.WhenAny(end.Task, broker.Completion);
            await broker.StopAsync();
            return null;
        }
    }

    private static RpcResult Status(MqttBroker broker) => RpcResult.Write(json =>
    {
        var now = broker.Statistics;
        json.WriteStartObject();
        json.WriteString("role", "broker");
        json.WriteNumber("clients", now.Clients);
        json.WriteNumber("sessions", now.Sessions);
        json.WriteNumber("messages_received", now.MessagesReceived);
        json.WriteNumber("messages_sent", now.MessagesSent);
        json.WriteNumber("bytes_received", now.BytesReceived);
        json.WriteNumber("bytes_sent", now.BytesSent);
        json.WriteNumber("queued_messages", now.QueuedMessages);
        json.WriteEndObject();
    });

    private X509Certificate2? LoadCertificate(out ServiceFailure? failure)
    {
        try
        {
            failure = null;
            return X509Certificate2.CreateFromPemFile(options.CertificateFile!, options.KeyFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            failure = new ServiceFailure(ExitCode.Config, $"the broker's certificate can't be used: {e.Message}", "give PEM files of a certificate and its private key");
            return null;
        }
    }

    [LoggerMessage(1240, LogLevel.Information, "listening on {Endpoint}")]
    private static partial void Listening(ILogger logger, IPEndPoint endpoint);
}
