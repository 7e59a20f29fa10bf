using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Tests.BadInput;

/// <summary>A wrong call, and what has to be answered.</summary>
/// <param name="Service">The service.</param>
/// <param name="Method">The method.</param>
/// <param name="Parameter">The parameter that is wrong, and that the answer has to name.</param>
/// <param name="Parameters">All parameters as JSON, with the names of <see cref="Plant.Names"/>.</param>
/// <param name="Code">The error's code; 0 for a call that is answered, because it asks for nothing wrong, and still changes nothing.</param>
/// <param name="Says">What stands in the answer.</param>
internal sealed record BadCall(string Service, string Method, string Parameter, string Parameters, int Code, string Says = "")
{
    private const int Invalid = RpcErrorCode.InvalidData;
    private const int Gone = RpcErrorCode.NotFound;

    private static readonly string[] OddNames = ["nobody", "../centre", "/etc/passwd", "{nul}", "{long}", "", "CENTRE", "."];

    /// <summary>All of them that are written by hand: what a value of the right type can be wrong in.</summary>
    public static IEnumerable<BadCall> Table { get; } =
    [
        // A mailbox that is not there, whatever it is called.
        .. from method in new[] { "mailbox.list_blocks", "mailbox.ready", "mailbox.get_block", "mailbox.rotate", "mailbox.seal", "mailbox.enable", "mailbox.disable", "mailbox.fill", "fill.list", "fill.cancel", "loss.list" }
           from name in OddNames
           select Of(Plant.Collector, method, "i", Gone, "there is no", ("i", name)),
        .. from method in new[] { "mailbox.delete_block", "mailbox.repair_block", "block.verify" }
           from name in OddNames
           select Of(Plant.Collector, method, "i", Gone, "mailbox.list names them", ("i", name), ("block_id", "{block}")),

        // A block that is not there, of another mailbox, or not even a block's name.
        .. from method in new[] { "mailbox.delete_block", "mailbox.repair_block", "block.verify" }
           from block in new[] { "mbb_1", "{block2}", "../second/{block}", "/etc/passwd", "{nul}", "{long}", "", "mailbox.state", "mbb_-1", "mbb_99999999999999999999" }
           select Of(Plant.Collector, method, "block_id", Gone, "mailbox.list_blocks names them", ("i", "centre"), ("block_id", block)),
        .. from hash in new[] { "", "0", "{long}", "../x", new string('z', 64) }
           select Of(Plant.Collector, "mailbox.delete_block", "hash", Invalid, "64 hexadecimal digits", ("i", "centre"), ("block_id", "{block}"), ("hash", hash)),
        Of(Plant.Collector, "mailbox.delete_block", "hash", Invalid, "it stays", ("i", "centre"), ("block_id", "{block}"), ("hash", new string('0', 64))),

        new(Plant.Collector, "mailbox.ready", "limit", """{"i":"centre","limit":0}""", Invalid, "allowed is 1 to 1000"),
        new(Plant.Collector, "mailbox.ready", "limit", """{"i":"centre","limit":1001}""", Invalid, "allowed is 1 to 1000"),
        new(Plant.Collector, "mailbox.ready", "limit", """{"i":"centre","limit":1.5}""", Invalid, "a whole number"),
        new(Plant.Collector, "mailbox.ready", "limit", """{"i":"centre","limit":99999999999999999999}""", Invalid, "a whole number"),
        new(Plant.Collector, "mailbox.ready", "after", """{"i":"centre","after":-1}""", Invalid, "allowed is 0 or more"),
        new(Plant.Collector, "mailbox.ready", "stream", """{"i":"centre","after":1}""", Invalid, "32 hexadecimal digits"),
        new(Plant.Collector, "mailbox.ready", "stream", """{"i":"centre","after":1,"stream":"../x"}""", Invalid, "32 hexadecimal digits"),
        new(Plant.Collector, "mailbox.wait", "timeout", """{"timeout":-1}""", Invalid, "allowed is 0 to 300"),
        new(Plant.Collector, "mailbox.wait", "timeout", """{"timeout":301}""", Invalid, "allowed is 0 to 300"),
        new(Plant.Collector, "mailbox.wait", "after", """{"after":-5,"timeout":0}""", 0),

        // Blocks of other nodes, which no mailbox here takes.
        .. from name in OddNames
           select Relay("i", Gone, "there is no", ("i", name)),
        .. from stream in new[] { "", "../x", "{nul}", "{long}", new string('z', 32) }
           select Relay("stream", Invalid, "32 hexadecimal digits", ("stream", stream)),
        .. from hash in new[] { "", "../x", "{nul}", "{long}", new string('z', 64) }
           select Relay("hash", Invalid, "64 hexadecimal digits", ("hash", hash)),
        .. from way in new[] { "a,a", "a,b,c,d,e,f,g,h,i", "{long},b", "" }
           select Relay("way", Invalid, "", ("way", way)),
        .. from path in new[] { "", "mbb_1", "../second/{block}", "/etc/{nul}" }
           select Relay("path", Invalid, "the absolute path", ("path", path)),
        Relay("i", RpcErrorCode.AccessDenied, "replicate_remote", ("i", "centre")),
        new(Plant.Collector, "mailbox.relay", "index", """{"i":"centre","path":"/x","stream":"x","hash":"x","way":"x","index":-1}""", Invalid, "allowed is 0 or more"),

        new(Plant.Collector, "history.begin", "i", """{"i":"../x","oid":"sensor:a"}""", Gone, "mailbox.list names them"),
        new(Plant.Collector, "history.begin", "oid", """{"i":"centre","oid":"sensor:"}""", Invalid, "oid:"),
        new(Plant.Collector, "mailbox.fill", "db_svc", """{"i":"centre","db_svc":"../x"}""", Gone, "default_history_db_svc"),
        new(Plant.Collector, "mailbox.fill", "xopts", """{"i":"centre","xopts":{"a":1}}""", Invalid, "leave xopts out"),
        .. from id in new[] { "", "../x", "a b", "{nul}", "{long}" }
           select Of(Plant.Collector, "mailbox.fill", "id", Invalid, "letters and digits", ("i", "centre"), ("id", id)),
        .. from origin in new[] { "../x", "{nul}", "{long}", ".." }
           select Of(Plant.Collector, "mailbox.fill", "origin", Invalid, "no name of a node", ("i", "centre"), ("origin", origin)),
        new(Plant.Collector, "mailbox.fill", "t_end", """{"i":"centre","t_start":"2024-01-02","t_end":"2024-01-01"}""", Invalid, "swap them"),
        new(Plant.Collector, "mailbox.fill", "t_end", """{"i":"centre","t_end":"1656445625000"}""", Invalid, "look like milliseconds"),
        new(Plant.Collector, "mailbox.fill", "t_start", """{"i":"centre","t_start":"1970-01-02","t_end":"2970-01-02"}""", Invalid, "more than 200 years"),
        new(Plant.Collector, "mailbox.fill", "t_start", """{"i":"centre","t_start":"1000-01-01"}""", Invalid, "1970 to 9999"),
        new(Plant.Collector, "mailbox.fill", "t_start", """{"i":"centre","t_start":-5}""", Invalid, "1970 to 9999"),
        new(Plant.Collector, "mailbox.fill", "t_start", """{"i":"centre","t_start":"2024-02-30"}""", Invalid, "no such date"),
        new(Plant.Collector, "mailbox.fill", "t_start", """{"i":"centre","t_start":[1,2,3]}""", Invalid, "[seconds, nanoseconds]"),
        new(Plant.Collector, "loss.list", "limit", """{"limit":0}""", Invalid, "allowed is 1 to 100000"),
        new(Plant.Collector, "loss.list", "limit", """{"limit":100001}""", Invalid, "allowed is 1 to 100000"),

        .. from name in OddNames
           select new BadCall(Plant.Collector, "proof.statement", "i", new JsonObject { ["i"] = name, ["from_ns"] = 0, ["to_ns"] = 1 }.ToJsonString(), Gone, "there is no"),
        new(Plant.Collector, "proof.statement", "to_ns", """{"i":"centre","from_ns":2,"to_ns":1}""", Invalid, "swap them"),
        new(Plant.Collector, "proof.statement", "to_ns", """{"i":"centre","from_ns":2}""", Invalid),
        new(Plant.Collector, "proof.statement", "from_ns", """{"i":"centre","from_ns":1.5,"to_ns":2}""", Invalid, "a whole number"),
        new(Plant.Collector, "proof.digest", "from_ns", """{"i":"centre","from_ns":1e30,"to_ns":2,"walk":"0123456789abcdef"}""", Invalid, "a whole number"),
        new(Plant.Collector, "proof.digest", "after_ns", """{"i":"centre","from_ns":0,"to_ns":1,"walk":"0123456789abcdef","after_oid":"sensor:a","after_ns":1.5}""", Invalid, "a whole number"),
        new(Plant.Collector, "proof.digest", "after_number", """{"i":"centre","from_ns":0,"to_ns":1,"walk":"0123456789abcdef","after_oid":"sensor:a","after_ns":1,"after_number":"y"}""", Invalid, "a whole number"),
        new(Plant.Collector, "mailbox.fill", "oid", """{"i":"centre","oid":["nothing"]}""", Invalid),
        new(Plant.Collector, "proof.digest", "i", """{"i":"../x","from_ns":0,"to_ns":1,"walk":"0123456789abcdef"}""", Gone, "there is no"),
        new(Plant.Collector, "proof.digest", "to_ns", """{"i":"centre","from_ns":2,"to_ns":1,"walk":"0123456789abcdef"}""", Invalid, "swap them"),
        .. from walk in new[] { "", "x", "{nul}", "{long}", "0123456789abcde", "+123456789abcdef" }
           select new BadCall(Plant.Collector, "proof.digest", "walk", $$"""{"i":"centre","from_ns":0,"to_ns":1,"walk":"{{walk}}"}""", Invalid, "16 hexadecimal digits"),
        new(Plant.Collector, "proof.digest", "oid", """{"i":"centre","from_ns":0,"to_ns":1,"walk":"0123456789abcdef","oid":["nothing"]}""", Invalid),
        new(Plant.Collector, "proof.digest", "after_oid", """{"i":"centre","from_ns":0,"to_ns":1,"walk":"0123456789abcdef","after_oid":"sensor:a"}""", Invalid, "go together"),
        new(Plant.Collector, "proof.digest", "max_bytes", """{"i":"centre","from_ns":0,"to_ns":1,"walk":"0123456789abcdef","max_bytes":1}""", Invalid, "allowed is 256"),

        // Of the roles that import.
        .. from service in new[] { Plant.Replicator, Plant.Standalone } from call in Importing(service) select call,
        .. from service in new[] { Plant.Collector, Plant.Replicator, Plant.Standalone } from call in Quarantine(service) select call,

        .. from method in new[] { "client.start", "client.self_repair", "gap.list", "proof.start" }
           from name in OddNames
           select Of(Plant.Replicator, method, "i", Gone, "client.mailboxes names", ("i", name)),
        new(Plant.Replicator, "proof.start", "t_end", """{"i":"edge1","t_start":"2024-01-02","t_end":"2024-01-01"}""", Invalid, "swap them"),
        new(Plant.Replicator, "proof.start", "t_start", """{"i":"edge1","t_start":-5}""", Invalid, "1970 to 9999"),
        .. from method in new[] { "proof.state", "proof.cancel" }
           from id in OddNames
           select Of(Plant.Replicator, method, "id", Gone, "there is no proof", ("id", id)),
        new(Plant.Replicator, "proof.state", "after", """{"id":"x","after":1.5}""", Invalid, "a whole number"),
        new(Plant.Replicator, "proof.state", "timeout", """{"id":"x","timeout":61}""", Invalid, "allowed is 0 to 60"),
        new(Plant.Replicator, "client.self_repair", "oid", """{"i":"edge1"}""", Invalid, "self_repair.oid"),
        new(Plant.Replicator, "client.self_repair", "oid", """{"i":"edge1","oid":[]}""", Invalid, "no item"),
        new(Plant.Replicator, "client.self_repair", "oid", """{"i":"edge1","oid":"../x"}""", Invalid, "no item"),
        new(Plant.Replicator, "client.self_repair", "oid", """{"i":"edge1","oid":["sensor:a","sensor:"]}""", Invalid, "no item"),
        new(Plant.Replicator, "client.self_repair", "oid", """{"i":"edge1","oid":["sensor:{huge}"]}""", Invalid, "no item"),
        .. from value in new[] { "0", "-1", "31536000000", "1e300" }
           select new BadCall(Plant.Replicator, "client.self_repair", "range", $$"""{"i":"edge1","oid":"sensor:a","range":{{value}}}""", Invalid, "allowed is 1 to "),
        .. from value in new[] { "0", "-1", "31536000000" }
           select new BadCall(Plant.Replicator, "client.self_repair", "gap", $$"""{"i":"edge1","oid":"sensor:a","gap":{{value}}}""", Invalid, "allowed is 0.01 to "),
    ];

    public override string ToString() => $"{Service} {Method} {(Parameters.Length > 100 ? Parameters[..100] + "…" : Parameters)}";

    private static IEnumerable<BadCall> Importing(string service) =>
    [
        .. from path in new[] { "", "stick", "../stick", "{nul}", "/{nul}", "{long}", "/{long}" }
           from method in new[] { "process_dir", "block.verify" }
           select method == "process_dir" ? Of(service, method, "path", Invalid, "", ("path", path), ("node", "edge1")) : Of(service, method, "path", Invalid, "", ("path", path)),
        Of(service, "process_dir", "path", Gone, "", ("path", "{dir}/none"), ("node", "edge1")),
        Of(service, "process_dir", "path", Invalid, "is a file", ("path", "{file}"), ("node", "edge1")),
        Of(service, "process_dir", "path", Gone, "", ("path", "{file}/below"), ("node", "edge1")),
        Of(service, "process_dir", "path", RpcErrorCode.Io, "", ("path", "/{long255}"), ("node", "edge1")),
        .. from node in new[] { "", "../x", "{nul}", "{long}", "a/b" }
           select Of(service, "process_dir", "node", Invalid, "no name of a node", ("path", "{stick}"), ("node", node)),

        // Nothing wrong is asked for: the answer says what is in the folder.
        Of(service, "process_dir", "path", 0, "\"files\":[]", ("path", "{empty}"), ("node", "edge1")),
        Of(service, "process_dir", "path", 0, "\"outcome\":\"foreign\"", ("path", "{foreign}"), ("node", "edge1")),
        Of(service, "process_dir", "path", 0, "\"outcome\":\"foreign\"", ("path", "{foreign}"), ("node", "any")),
        Of(service, "process_dir", "node", 0, "\"refused\":1", ("path", "{stick}"), ("node", "edge2")),
        new(service, "process_dir", "delete", """{"path":"{foreign}","node":"any","delete":true}""", 0, "\"fate\":\"left\""),

        Of(service, "block.verify", "path", Gone, "", ("path", "{dir}/none")),
        Of(service, "block.verify", "path", RpcErrorCode.Io, "", ("path", "{dir}")),
        Of(service, "block.verify", "path", Gone, "", ("path", "{file}/below")),
        Of(service, "block.verify", "path", Invalid, "no block", ("path", "{file}")),
        Of(service, "block.verify", "path", Invalid, "is empty", ("path", "{nothing}")),
        Of(service, "block.verify", "path", Invalid, "a device", ("path", "/dev/zero")),
        .. from node in new[] { "", "../x", "{nul}", "{long}", "a/b" } select Of(service, "loss.list", "node", Invalid, "no name of a node", ("node", node)),
        Of(service, "loss.list", "node", 0, "[]", ("node", "nobody")),
        new(service, "loss.list", "limit", """{"limit":0}""", Invalid, "allowed is 1 to 100000"),
    ];

    private static IEnumerable<BadCall> Quarantine(string service) =>
    [
        .. from method in new[] { "quarantine.retry", "quarantine.delete", "quarantine.export" }
           from name in new[] { "nobody", "../kept", "../../file", "/etc/passwd", "{nul}", "{long}", "", ".", ".." }
           select method == "quarantine.export"
               ? Of(service, method, "name", Gone, "quarantine.list names them", ("name", name), ("path", "{dir}/new"))
               : Of(service, method, "name", Gone, "quarantine.list names them", ("name", name)),
        .. from path in new[] { "", "new", "../new", "/{nul}", "/{long}" }
           select Of(service, "quarantine.export", "path", Invalid, "", ("name", "kept"), ("path", path)),
        Of(service, "quarantine.export", "path", RpcErrorCode.AlreadyExists, "nothing was overwritten", ("name", "kept"), ("path", "{file}")),
        Of(service, "quarantine.export", "path", RpcErrorCode.AlreadyExists, "nothing was overwritten", ("name", "kept"), ("path", "{dir}")),
        Of(service, "quarantine.export", "path", Gone, "", ("name", "kept"), ("path", "{file}/below")),
        Of(service, "quarantine.export", "path", Gone, "", ("name", "kept"), ("path", "{dir}/none/new")),
        .. from name in new[] { "../kept", "{nul}", "{long}", "zzz" } select Of(service, "quarantine.list", "after", 0, "", ("after", name)),
        new(service, "quarantine.list", "limit", """{"limit":0}""", Invalid, "allowed is 1 to 10000"),
        new(service, "quarantine.list", "limit", """{"limit":10001}""", Invalid, "allowed is 1 to 10000"),
    ];

    private static BadCall Of(string service, string method, string parameter, int code, string says, params (string Name, string Value)[] parameters) => new(
        service, method, parameter, new JsonObject(parameters.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value))).ToJsonString(), code, says);

    /// <summary>A block handed over, right but for what is given.</summary>
    private static BadCall Relay(string parameter, int code, string says, params (string Name, string Value)[] wrong)
    {
        var given = new JsonObject
        {
            ["i"] = "centre",
            ["path"] = "/nowhere/mbb_1",
            ["stream"] = new string('0', 32),
            ["index"] = 1,
            ["hash"] = new string('0', 64),
            ["way"] = new JsonArray("edge"),
        };
        foreach (var (name, value) in wrong)
        {
            given[name] = value;
        }

        return new BadCall(Plant.Collector, "mailbox.relay", parameter, given.ToJsonString(), code, says);
    }
}
