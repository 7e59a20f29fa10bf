using System.Globalization;
using System.Text;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>Service files of an edge node that is fed by generators, and of a centre that fetches from it.</summary>
internal sealed class Services(string folder, string key, int brokerPort)
{
    /// <summary>How often each generator brings a reading.</summary>
    public const int ReadingsPerSecond = 40;

    /// <summary>The folder of the edge's sockets.</summary>
    public string EdgeBus => Path.Combine(folder, "edge-bus");

    public string Collector(int generators)
    {
        var sources = new StringBuilder();
        for (var i = 0; i < generators; i++)
        {
            sources.Append(
                CultureInfo.InvariantCulture,
                $"      g{i}: {{ kind: generator, oid: 'sensor:site1/area{i % 10}/count{i:D3}', interval: {1.0 / ReadingsPerSecond}, value: counter }}\n");
        }

        return Write("collector", Spool.Node, EdgeBus, $$"""
              collector:
                path: {{Path.Combine(folder, "spool")}}
                mailboxes:
                  {{Spool.Target}}: {}
                sources:
            {{sources}}
            """);
    }

    public string Replicator() => Write("replicator", Spool.Node, EdgeBus, $$"""
          replicator:
        {{Broker()}}
            server:
              mailboxes:
                {{Spool.Target}}: {}
        """);

    /// <summary>The lines that a replicator needs for the broker and the key.</summary>
    public string Broker() => $"""
            pubsub:
              host: ['127.0.0.1:{brokerPort}']
            keys:
              default: {key}
        """;

    /// <summary>Writes a service file of one's own.</summary>
    /// <param name="role">Its section and name.</param>
    /// <param name="node">The node.</param>
    /// <param name="config">The section's content, indented by four.</param>
    public string Service(string role, string node, string config) => Write(role, node, Path.Combine(folder, $"{node}-bus"), $"  {role}:\n{config}");

    private string Write(string role, string node, string bus, string config)
    {
        var path = Path.Combine(Directory.CreateDirectory(folder).FullName, $"{node}-{role}.yml");
        Directory.CreateDirectory(bus);
        using var file = new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write($"system_name: {node}\nbus:\n  path: {Path.Combine(bus, "bus.ipc")}\nconfig:\n{config}\n");
        return path;
    }
}
