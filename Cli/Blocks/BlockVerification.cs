using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Blocks;

/// <summary><c>block verify</c>: each file alone, and then all of them together.</summary>
internal static class BlockVerification
{
    public static int Run(IEnumerable<string> paths, bool json)
    {
        if (BlockPaths.Find(paths, out var missing) is not { } files)
        {
            return ExitCode.Usage;
        }

        var places = new List<BlockPlace>();
        var results = files.Select(f => Verify(f, places)).ToList();
        var books = new MailboxBooks();
        var findings = BlockNeighbours.Find([.. places.DistinctBy(p => Path.GetFullPath(p.Path), StringComparer.Ordinal)], books.Of, BlockComparison.Difference);
        foreach (var (result, found) in results.Join(findings.GroupBy(f => f.Path), r => (string)r["path"]!, f => f.Key, (r, f) => (r, f), StringComparer.Ordinal))
        {
            result["findings"] = new JsonArray([.. found.Select(Describe)]);
        }

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

        var clean = results.TrueForAll(r => (string)r["state"]! is "intact" or "open" or "empty") && !findings.Any(f => f.IsDamage);
        var code = BlockProblems.Report(files.Count, missing, books.Problems);
        return code == ExitCode.Ok && !clean ? ExitCode.Partial : code;
    }

    private static JsonObject Verify(string path, List<BlockPlace> places)
    {
        var opened = DiskStorage.Instance.Open(path, write: false);
        if (!opened.IsOk)
        {
            return new JsonObject { ["path"] = path, ["state"] = "unreadable", ["error"] = opened.Error.ToString() };
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file);
        if (!report.IsOk)
        {
            return new JsonObject { ["path"] = path, ["state"] = "unreadable", ["error"] = report.Error.ToString() };
        }

        if (report.Value is { Header: { } header } found)
        {
            places.Add(new BlockPlace(path, header.Stream, header.Index, found.FirstSequence, found.NextSequence, found.IsHashVerified ? found.Trailer!.Hash : null));
        }

        return Describe(path, report.Value);
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

    private static JsonObject Describe(BlockFinding finding) => new()
    {
        ["kind"] = finding.Kind,
        ["is_damage"] = finding.IsDamage,
        ["other"] = finding.Other,
        ["text"] = finding.Text,
        ["remedy"] = finding.Remedy,
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

        foreach (var finding in result["findings"]?.AsArray() ?? [])
        {
            Console.WriteLine($"  {((bool)finding!["is_damage"]! ? "damaged" : "note")}: {finding["text"]}; see {finding["other"]}");
            Console.WriteLine($"    remedy: {finding["remedy"]}");
        }

        if (state == "damaged" && result["hash_verified"] is { } verified && !(bool)verified)
        {
            Console.WriteLine("  the content's hash can't be verified");
        }
    }
}
