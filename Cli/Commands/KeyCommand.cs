using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Replicator.Keys;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl key new|add|ls|rotate|retire|test</c>: keys that source and target share, and what their holders may write.</summary>
internal static class KeyCommand
{
    private const string GroupDescription = """
        Keys that source and target share, and the access lists of untrusted sources.

        Examples:
          zfrepl key new
          zfrepl key ls
        """;

    private const string NewDescription = """
        Make a new random key of 256 bits and print it.

        With an id the key goes into the store as well. --write allows its holder to write items; that matters for sources with `trusted: false`.

        Examples:
          (umask 077; zfrepl key new > etc/zfrepl/default.key)
          zfrepl key new edge1 --write 'sensor:edge1/#' | ssh edge1 zfrepl key add edge1
        """;

    private const string AddDescription = """
        Put a key that the other side made into the store; it is read from the input.

        Example:
          zfrepl key add edge1 < edge1.key
        """;

    private const string ListDescription = """
        List the keys in the store: state, access lists, and a fingerprint to compare on both sides. No secret is shown.

        Examples:
          zfrepl key ls
          zfrepl key ls --json
        """;

    private const string RotateDescription = """
        Make the successor of a key, with the same access lists, under a new id, and print it.

        The old key goes on. Copy the new one to the other side, write its id as key_id on both sides, restart, and retire the old one.

        Example:
          zfrepl key rotate edge1 | ssh edge1 zfrepl key add edge1-2
        """;

    private const string RetireDescription = """
        Take a key out of use: its secret is deleted from the store, and mailboxes that name it are refused.

        Example:
          zfrepl key retire edge1
        """;

    private const string TestDescription = """
        Say whether a key can be used, and whether its holder may write items.

        Exits 3 when there is no such key, 77 when it is retired or may not write one of the items.

        Example:
          zfrepl key test edge1 --oid sensor:edge1/temperature
        """;

    public static Command Create() => new("key", GroupDescription) { New(), Add(), List(), Rotate(), Retire(), Test() };

    private static Argument<string> Id() => new("ID") { Description = "the key's id" };

    private static Option<string?> Store() => new("--store")
    {
        Description = $"the store of keys, a file of mode 0600 (default: {KeyStore.DefaultPath} below $ZFREPL_DIR, else below the current folder)",
        HelpName = "PATH",
    };

    private static Option<string[]> Acls() => new("--acl") { Description = "an access list of the store that the key gets; may be repeated", HelpName = "NAME" };

    private static Option<string[]> Writes() => new("--write")
    {
        Description = "items that the key's holder may write, a mask; may be repeated. They go into an access list of the key's own name",
        HelpName = "MASK",
    };

    private static Command New()
    {
        var id = new Argument<string?>("ID") { Description = "the key's id in the store", Arity = ArgumentArity.ZeroOrOne };
        var (store, acls, writes) = (Store(), Acls(), Writes());
        var command = new Command("new", NewDescription) { id, acls, writes, store };
        command.SetAction(parsed =>
        {
            var secret = ApiKey.Generate();
            var code = parsed.GetValue(id) is { } name
                ? Put(PathOf(parsed.GetValue(store)), name, secret, parsed.GetValue(acls) ?? [], parsed.GetValue(writes) ?? [])
                : ExitCode.Ok;
            if (code == ExitCode.Ok)
            {
                Console.WriteLine(secret);
            }

            return code;
        });
        return command;
    }

    private static Command Add()
    {
        var (id, store, acls, writes) = (Id(), Store(), Acls(), Writes());
        var command = new Command("add", AddDescription) { id, acls, writes, store };
        command.SetAction(parsed =>
        {
            var secret = Console.IsInputRedirected ? Console.In.ReadLine() : SecretPrompt.Ask("key");
            return Put(
                PathOf(parsed.GetValue(store)), parsed.GetRequiredValue(id), secret?.Trim() ?? "", parsed.GetValue(acls) ?? [], parsed.GetValue(writes) ?? []);
        });
        return command;
    }

    private static Command List()
    {
        var (store, json) = (Store(), SharedOptions.Json());
        var command = new Command("ls", ListDescription) { store, json };
        command.SetAction(parsed => Open(PathOf(parsed.GetValue(store)), mustExist: true) is { } keys ? Show(keys, parsed.GetValue(json)) : ExitCode.Config);
        return command;
    }

    private static Command Rotate()
    {
        var (id, store) = (Id(), Store());
        var to = new Option<string?>("--to") { Description = "the new key's id (default: the old one with a number behind it)", HelpName = "ID" };
        var command = new Command("rotate", RotateDescription) { id, to, store };
        command.SetAction(parsed =>
        {
            var path = PathOf(parsed.GetValue(store));
            if (Open(path, mustExist: true) is not { } keys)
            {
                return ExitCode.Config;
            }

            var old = parsed.GetRequiredValue(id);
            if (!keys.Keys.TryGetValue(old, out var key))
            {
                return NoKey(old, path);
            }

            var secret = ApiKey.Generate();
            var next = parsed.GetValue(to) ?? NextId(keys, old);
            var code = Put(path, next, secret, key.Acls, []);
            if (code == ExitCode.Ok)
            {
                Console.WriteLine(secret);
                Console.Error.WriteLine(
                    $"key {next} is in {path}; next: put it into the store of the other side (zfrepl key add {next}), write `key_id: {next}` on both sides, "
                    + $"restart the replicators, then: zfrepl key retire {old}");
            }

            return code;
        });
        return command;
    }

    private static Command Retire()
    {
        var (id, store) = (Id(), Store());
        var command = new Command("retire", RetireDescription) { id, store };
        command.SetAction(parsed =>
        {
            var path = PathOf(parsed.GetValue(store));
            if (Open(path, mustExist: true) is not { } keys)
            {
                return ExitCode.Config;
            }

            var name = parsed.GetRequiredValue(id);
            return keys.Keys.TryGetValue(name, out var key)
                ? Save(keys.With(key with { Secret = null, Retired = key.Retired ?? Now() }), path)
                : NoKey(name, path);
        });
        return command;
    }

    private static Command Test()
    {
        var (id, store) = (Id(), Store());
        var oids = new Option<string[]>("--oid") { Description = "an item that the key's holder should be able to write; may be repeated", HelpName = "OID" };
        var command = new Command("test", TestDescription) { id, oids, store };
        command.SetAction(parsed =>
        {
            var path = PathOf(parsed.GetValue(store));
            if (Open(path, mustExist: true) is not { } keys)
            {
                return ExitCode.Config;
            }

            var name = parsed.GetRequiredValue(id);
            return keys.Keys.TryGetValue(name, out var key) ? Try(keys, key, parsed.GetValue(oids) ?? []) : NoKey(name, path);
        });
        return command;
    }

    private static int Try(KeyStore keys, StoredKey key, string[] texts)
    {
        if (key.Retired is { } retired)
        {
            Console.Error.WriteLine($"zfrepl: key {key.Id} was retired on {retired}");
            return ExitCode.Denied;
        }

        Console.WriteLine(key.Fingerprint is { } fingerprint
            ? $"key {key.Id}: can be used, fingerprint {fingerprint}"
            : $"key {key.Id}: its secret is not in the store; services look for it below `keys` and in etc/zfrepl/{key.Id}.key");
        var code = ExitCode.Ok;
        foreach (var text in texts)
        {
            if (!Oid.TryParse(text, out var oid, out var error))
            {
                Console.Error.WriteLine($"zfrepl: {error}");
                return ExitCode.Usage;
            }

            var may = keys.RightsOf(key.Id).MayWrite(oid);
            Console.WriteLine($"{oid}: {(may ? "may be written" : "may not be written")}");
            code = may ? code : ExitCode.Denied;
        }

        return code;
    }

    private static int Show(KeyStore keys, bool json)
    {
        var sorted = keys.Keys.Values.OrderBy(k => k.Id, StringComparer.Ordinal).ToList();
        if (json)
        {
            var list = new JsonArray([.. sorted.Select(k => (JsonNode)new JsonObject
            {
                ["id"] = k.Id,
                ["state"] = StateOf(k),
                ["acls"] = new JsonArray([.. k.Acls.Select(a => (JsonNode)a)]),
                ["fingerprint"] = k.Fingerprint,
                ["created"] = k.Created,
                ["retired"] = k.Retired,
            })]);
            Console.WriteLine(list.ToJsonString(OutputJson.Indented));
            return ExitCode.Ok;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("key", "state", "access lists", "fingerprint", "created");
        foreach (var key in sorted)
        {
            table.AddRow([.. new[] { key.Id, StateOf(key), string.Join(", ", key.Acls), key.Fingerprint ?? "", key.Created ?? "" }.Select(Markup.Escape)]);
        }

        AnsiConsole.Write(table);
        return ExitCode.Ok;
    }

    private static string StateOf(StoredKey key) => key.Retired is not null ? "retired" : key.Secret is null ? "elsewhere" : "in use";

    private static int Put(string path, string id, string secret, IEnumerable<string> acls, string[] writes)
    {
        if (Open(path, mustExist: false) is not { } keys)
        {
            return ExitCode.Config;
        }

        if (Check(keys, id, secret, acls, writes) is { } problem)
        {
            Console.Error.WriteLine($"zfrepl: {problem}");
            return ExitCode.Usage;
        }

        var lists = (keys.Keys.GetValueOrDefault(id)?.Acls ?? []).Concat(acls);
        if (writes.Length > 0)
        {
            List<OidMask> masks = [.. writes.Select(w => OidMask.TryParse(w, out var mask, out _) ? mask : throw new InvalidOperationException(w))];
            var own = keys.Acls.GetValueOrDefault(id) ?? new StoredAcl(id, IsAdmin: false, [], [], [], []);
            keys = keys.With(own with { Write = [.. own.Write, .. masks] });
            lists = lists.Append(id);
        }

        return Save(keys.With(new StoredKey(id, secret, [.. lists.Distinct()], Now(), Retired: null)), path);
    }

    private static string? Check(KeyStore keys, string id, string secret, IEnumerable<string> acls, string[] writes)
    {
        if (TransferTopics.CheckNodeName(id) is { } bad)
        {
            return $"'{id}' can't be a key's id: {bad}";
        }

        if (keys.Keys.TryGetValue(id, out var known) && (known.Secret is not null || known.Retired is not null))
        {
            return $"key {id} is in the store already; zfrepl key rotate {id} makes its successor";
        }

        if (!ApiKey.TryCreate(id, secret, out _, out var error))
        {
            return error;
        }

        if (acls.FirstOrDefault(a => !keys.Acls.ContainsKey(a)) is { } missing)
        {
            return $"there is no access list {missing} in the store; write it there, or allow items with --write";
        }

        return writes.Select(w => OidMask.TryParse(w, out _, out var wrong) ? null : wrong).FirstOrDefault(w => w is not null);
    }

    private static string NextId(KeyStore keys, string id)
    {
        for (var number = 2; ; number++)
        {
            var next = string.Create(CultureInfo.InvariantCulture, $"{id}-{number}");
            if (!keys.Keys.ContainsKey(next))
            {
                return next;
            }
        }
    }

    private static KeyStore? Open(string path, bool mustExist)
    {
        if (!File.Exists(path))
        {
            if (mustExist)
            {
                Console.Error.WriteLine($"zfrepl: there is no store of keys {path} (make one with: zfrepl key new ID, or name it with --store)");
            }

            return mustExist ? null : KeyStore.Empty;
        }

        var store = KeyStore.Load(path, out var problems);
        foreach (var problem in problems)
        {
            Console.Error.WriteLine($"zfrepl: {problem}");
        }

        return store;
    }

    private static int Save(KeyStore keys, string path)
    {
        var saved = keys.Save(DiskStorage.Instance, path);
        if (saved.IsOk)
        {
            return ExitCode.Ok;
        }

        Console.Error.WriteLine($"zfrepl: {saved.Error}");
        return ExitCode.Failed;
    }

    private static int NoKey(string id, string path)
    {
        Console.Error.WriteLine($"zfrepl: there is no key {id} in {path}; zfrepl key ls names them");
        return ExitCode.NotFound;
    }

    private static string PathOf(string? given) => Path.GetFullPath(given ?? Path.Combine(SharedOptions.FolderOf(null) ?? ".", KeyStore.DefaultPath));

    private static string Now() => TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
