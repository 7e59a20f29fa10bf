using System.Globalization;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Cli.Demo;

/// <summary>The demo's folder: the service files of both nodes, as an operator would write them, and where their data goes.</summary>
internal sealed class DemoFiles(string root)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The folder.</summary>
    public string Root => root;

    /// <summary>Where the services' sockets are.</summary>
    public string SocketFolder => Path.Combine(root, "bus");

    /// <summary>The plant's own log of its changes.</summary>
    public string PlantLog => Path.Combine(root, "plant-changes.jsonl");

    /// <summary>The plant's certificates.</summary>
    public string PlantPki => Path.Combine(root, "plant-pki");

    /// <summary>The collector's certificates.</summary>
    public string CollectorPki => Path.Combine(root, "edge", "pki");

    /// <summary>The centre's history database.</summary>
    public string Database => Path.Combine(root, "centre", "history.db");

    /// <summary>The service file of a process.</summary>
    public string ServiceFile(string name) => Path.Combine(root, $"{name}.yml");

    /// <summary>Writes all service files and the key that the nodes share.</summary>
    /// <param name="plantPort">Where the plant's OPC UA server listens.</param>
    /// <param name="brokerPort">Where the broker listens.</param>
    /// <param name="linkPort">Where the edge reaches the broker, over the link that is cut.</param>
    public void Write(int plantPort, int brokerPort, int linkPort)
    {
        Directory.CreateDirectory(root);
        WriteFile(Path.Combine(root, "zfrepl.key"), ApiKey.Generate() + "\n");
        WriteFile(Path.Combine(root, "broker.password"), ApiKey.Generate() + "\n");
        WriteFile(ServiceFile(DemoNames.Broker), Invariant($"""
            id: {DemoNames.Broker}
            system_name: site
            bus: {Bus}
            config:
              broker:
                listen: 127.0.0.1:{brokerPort}
                users:
                  node: file:broker.password
            """));
        WriteFile(ServiceFile(DemoNames.Collector), Invariant($$"""
            id: {{DemoNames.Collector}}
            system_name: edge
            bus: {{Bus}}
            config:
              collector:
                path: edge/spool
                pki: edge/pki
                sources:
                  plant:
                    kind: opcua
                    endpoint: opc.tcp://localhost:{{plantPort}}/plant
                    security_policy: Basic256Sha256
                    publishing_interval: 100ms
                    browse:
                      - root: i=85
                        oid: {{DemoPlant.OidPrefix}}{name}
                mailboxes:
                  centre:
                    block_ttl_sec: 5
            """));
        WriteFile(ServiceFile(DemoNames.EdgeReplicator), Invariant($"""
            id: {DemoNames.EdgeReplicator}
            system_name: edge
            bus: {Bus}
            config:
              replicator:
                pubsub: {PubSub(linkPort)}
                keys: {Keys}
                server:
                  collector_svc: {DemoNames.Collector}
                  mailboxes:
                    centre: {KeyId}
            """));
        WriteFile(ServiceFile(DemoNames.Centre), Invariant($"""
            id: {DemoNames.Centre}
            system_name: centre
            bus: {Bus}
            config:
              replicator:
                pubsub: {PubSub(brokerPort)}
                keys: {Keys}
                client:
                  path: centre
                  history: {History}
                  mailboxes:
                    edge:
                      key_id: default
                      interval: 1
                      timeout: 10
            """));
    }

    // Braces of YAML stand outside of the texts above, where braces mean something else.
    private const string Bus = "{ path: bus/zfrepl.ipc }";
    private const string Keys = "{ default: 'file:zfrepl.key' }";
    private const string KeyId = "{ key_id: default }";
    private const string History = "{ path: centre/history.db }";

    private static string PubSub(int port) =>
        "{ host: '127.0.0.1:" + port.ToString(CultureInfo.InvariantCulture) + "', username: node, password: 'file:broker.password', reconnect_max: 2 }";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture) + "\n";

    private static void WriteFile(string path, string content)
    {
        using var writer = new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        });
        writer.Write(content);
    }
}

/// <summary>The ids of the demo's services, which are the names of their processes too.</summary>
internal static class DemoNames
{
    public const string Plant = "plant";
    public const string Broker = "broker";
    public const string Collector = "edge.collector";
    public const string EdgeReplicator = "edge.replicator";
    public const string Centre = "centre.replicator";
}
