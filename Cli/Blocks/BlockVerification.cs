using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Blocks;

/// <summary><c>block verify</c>.</summary>
internal static class BlockVerification
{

    public static int Run(IEnumerable<string> paths, bool json)
    {
        var files = BlockPaths.Find(paths, out var missing);
        var results = files.Select(Verify).ToList();
        if (json)
        {
            Console.WriteLine(new JsonArray([.. results]).ToJsonString(OutputJson.Indented));
        }
        else
        {
            foreach (var result in results)
            {
                Print(result);
            }
        }

        var clean = results.TrueForAll(r => (string)r["state"]! is "intact" or "open" or "empty");
        var code = BlockProblems.Report(files.Count, missing, []);
        return code == ExitCode.Ok && !clean ? ExitCode.Partial : code;
    }

    private static JsonObject Verify(string path)
    {
        var opened = DiskStorage.Instance.Open(path, write: false);
        if (!opened.IsOk)
        {
            return new JsonObject { ["path"] = path, ["state"] = "unreadable", ["error"] = opened.Error.ToString() };
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file);
        return report.IsOk
            ? Describe(path, report.Value)
            : new JsonObject { ["path"] = path, ["state"] = "unreadable", ["error"] = report.Error.ToString() };
    }

    private static JsonObject Describe(string path, BlockReport report) => new()
    {
        ["path"] = path,
        ["state"] = BlockStates.Of(path, report),
        ["events"] = report.EventCount,
        ["first_sequence"] = report.FirstSequence,
        ["next_sequence"] = report.NextSequence,
        ["hash_verified"] = report.IsHashVerified,
        ["damages"] = new JsonArray([.. report.Damages.Select(Damage)]),
        ["torn_tail"] = report.TornTail is { } tail ? Damage(tail) : null,
        ["missing"] = new JsonArray([.. report.Missing.Select(m => new JsonArray(m.First, m.Last))]),
    };

    private static JsonObject Damage(BlockDamage damage) =>
        new() { ["offset"] = damage.Offset, ["bytes"] = damage.LengthBytes, ["reason"] = damage.Reason };

    private static void Print(JsonObject result)
    {
        var state = (string)result["state"]!;
        Console.WriteLine(result["error"] is { } error
            ? $"{result["path"]}: {state}: {error}"
            : $"{result["path"]}: {state}: {result["events"]} events readable");
        foreach (var damage in result["damages"]?.AsArray() ?? [])
        {
            Console.WriteLine($"  damaged: offset {damage!["offset"]}, {damage["bytes"]} bytes: {damage["reason"]}");
        }

        if (result["torn_tail"] is JsonObject tail)
        {
            Console.WriteLine($"  torn tail: offset {tail["offset"]}, {tail["bytes"]} bytes: {tail["reason"]}");
        }

        foreach (var range in result["missing"]?.AsArray() ?? [])
        {
            Console.WriteLine($"  missing: sequence numbers {range![0]} to {range[1]}");
        }

        if (state == "damaged" && result["hash_verified"] is { } verified && !(bool)verified)
        {
            Console.WriteLine("  the content's hash can't be verified");
        }
    }
}
