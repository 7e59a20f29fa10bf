using Microsoft.Data.Sqlite;
using Xunit.Abstractions;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// <c>zfrepl proof</c> at the centre, while the plant goes on: a clean run is proven, what somebody does to the database by hand is exposed, and
/// a repair brings back just that. Takes about 20 s.
/// </summary>
public sealed class ProofCommandTests(ITestOutputHelper output)
{
    private const string Victim = "sensor:edge1/beat2";

    [RequiresFact("mosquitto")]
    public async Task Rows_cut_out_by_hand_are_exposed_and_brought_back_and_an_altered_value_is_exposed()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Collector = ["history: { path: local.db }"], Served = "allow_fill: true" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => await CentreDatabase.CountAsync(site.DatabasePath) > 600, "the centre has something");

        // All that is there by now, although more comes in all the time.
        var to = UnixTime.FormatSeconds(UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()) / 100 * 100);
        var clean = await ProveAsync(site, 0, "--to", to, "--out", "clean.json");
        Assert.Contains("PROVEN", clean.Output, StringComparison.Ordinal);
        var (proof, source) = Read(site, "clean.json");
        Assert.True(source.Accounts.IsBalanced(), source.Accounts.ToString());
        Assert.Empty(source.Check());
        Assert.Equal(source.Accounts, source.Hours.Aggregate(source.OtherHours, (sum, h) => sum + h.Events));
        Assert.InRange(proof.Digest!.Hours.Sum(h => h.SourceEvents), 600, long.MaxValue);
        Assert.Equal((4, 0, 0, 0), (proof.Digest.Items, proof.Digest.MissingCells, proof.Digest.AlteredCells, proof.Digest.MoreCells));
        Assert.True(source.Chain.Blocks > 0 && source.Chain.Value == proof.Chain.Value, $"{source.Chain} {proof.Chain}");

        // Somebody deletes rows behind everybody's back.
        var cut = await ExecuteAsync(site, $"DELETE FROM event WHERE {OfVictim} AND t IN (SELECT t FROM event WHERE {OfVictim} ORDER BY t LIMIT 17 OFFSET 30)");
        Assert.Equal(17, cut);
        var holed = await ProveAsync(site, 4, "--to", to, "--out", "holed.json");
        Assert.Contains("BROKEN", holed.Output, StringComparison.Ordinal);
        Assert.Contains("17 events are missing", holed.Output, StringComparison.Ordinal);
        var cells = Read(site, "holed.json").Proof.Digest!.Differing;
        Assert.All(cells, c => Assert.Equal((Victim, DifferingCell.Missing), (c.Oid, c.Kind)));
        Assert.Equal(17, cells.Sum(c => c.SourceEvents - c.TargetEvents));
        Assert.All(cells, c => Assert.Contains(c.Hour, holed.Output, StringComparison.Ordinal));

        // Just these come back, with their own times and values.
        var duplicates = (await site.ClientAsync()).GetProperty("duplicates").GetInt64();
        var repaired = await ProveAsync(site, 0, "--to", to, "--repair", "--out", "repaired.json");
        Assert.Contains("PROVEN", repaired.Output, StringComparison.Ordinal);
        Assert.Contains("repaired before: 17 events", repaired.Output, StringComparison.Ordinal);
        var gap = Assert.Single((await site.CallAsync(Site.CentreId, "gap.list")).EnumerateArray().ToList(), g => g.GetProperty("kind").GetString() == "proof");
        Assert.Equal([Victim], gap.GetProperty("oid").EnumerateArray().Select(o => o.GetString()));
        var filled = gap.GetProperty("events").GetInt64();
        Assert.Equal(cells.Sum(c => c.SourceEvents), filled);
        Assert.Equal(filled - 17, (await site.ClientAsync()).GetProperty("duplicates").GetInt64() - duplicates);

        // As many rows as before, and one says something else.
        Assert.Equal(1, await ExecuteAsync(site, $"UPDATE event SET value = value + 1 WHERE {OfVictim} AND t = (SELECT t FROM event WHERE {OfVictim} ORDER BY t LIMIT 1 OFFSET 40)"));
        var altered = await ProveAsync(site, 4, "--to", to, "--out", "altered.json");
        Assert.Contains("they say something else", altered.Output, StringComparison.Ordinal);
        var cell = Assert.Single(Read(site, "altered.json").Proof.Digest!.Differing);
        Assert.Equal((Victim, DifferingCell.Altered, cell.TargetEvents), (cell.Oid, cell.Kind, cell.SourceEvents));

        await VerifiesAsync(site, "clean.json", "holed.json", "repaired.json", "altered.json");
        await KeyIsComparedAsync(site);
    }

    [RequiresFact("mosquitto")]
    public async Task Without_a_history_at_the_edge_what_was_imported_is_the_witness_if_the_centre_notes_it()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(2);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Client = ["digests: true"] }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => await CentreDatabase.CountAsync(site.DatabasePath) > 100, "the centre has something");
        var clean = await ProveAsync(site, 0, "--out", "clean.json");
        Assert.Contains("ACCOUNTED FOR", clean.Output, StringComparison.Ordinal);
        Assert.Contains("the database is as it was imported", clean.Output, StringComparison.Ordinal);

        Assert.Equal(5, await ExecuteAsync(site, $"DELETE FROM event WHERE {OfVictim} AND t IN (SELECT t FROM event WHERE {OfVictim} ORDER BY t LIMIT 5)"));
        var holed = await ProveAsync(site, 4, "--repair", "--out", "holed.json");
        Assert.Contains("5 events are missing", holed.Output, StringComparison.Ordinal);
        Assert.Contains("restore them from a backup", holed.Output, StringComparison.Ordinal);
        var cells = Read(site, "holed.json").Proof.Digest!.Differing;
        Assert.All(cells, c => Assert.Equal((Victim, DifferingCell.Missing), (c.Oid, c.Kind)));
        Assert.Equal(5, cells.Sum(c => c.SourceEvents - c.TargetEvents));
        Assert.Equal(4, (await ZfReplProgram.RunAsync(site.Folder, "proof", "verify", "holed.json")).ExitCode);
    }

    private static string OfVictim => $"oid_id = (SELECT id FROM oid WHERE text = '{Victim}')";

    /// <summary>A file proves what it proved; one with another character in it proves nothing.</summary>
    private static async Task VerifiesAsync(Site site, params string[] files)
    {
        foreach (var file in files)
        {
            var run = await ZfReplProgram.RunAsync(site.Folder, "proof", "verify", file);
            var code = Read(site, file).Proof.Verdict switch { ProofContent.Broken => 4, ProofContent.Undecided => 75, _ => 0 };
            Assert.True(run.ExitCode == code, run.Error);
            Assert.Contains("unchanged since it was signed", run.Output, StringComparison.Ordinal);
        }

        var text = await File.ReadAllTextAsync(Path.Combine(site.Folder, "clean.json"));
        var at = text.IndexOf("\"delivered\":", StringComparison.Ordinal) + "\"delivered\":".Length;
        var digit = text[at] == '9' ? '8' : (char)(text[at] + 1);
        await File.WriteAllTextAsync(Path.Combine(site.Folder, "forged.json"), $"{text[..at]}{digit}{text[(at + 1)..]}");
        var forged = await ZfReplProgram.RunAsync(site.Folder, "proof", "verify", "forged.json");
        Assert.Equal((4, ""), (forged.ExitCode, forged.Output));
        Assert.Contains("forged.json is no valid proof", forged.Error, StringComparison.Ordinal);
    }

    private static async Task KeyIsComparedAsync(Site site)
    {
        var centre = await ZfReplProgram.RunAsync(site.Folder, "proof", "key", "--bus", "run", "--svc", Site.CentreId);
        var edge = await ZfReplProgram.RunAsync(site.Folder, "proof", "key", "--bus", "run", "--svc", Site.CollectorId);
        Assert.Equal((0, 0), (centre.ExitCode, edge.ExitCode));
        await File.WriteAllTextAsync(Path.Combine(site.Folder, "centre.pem"), centre.Output);
        await File.WriteAllTextAsync(Path.Combine(site.Folder, "edge.pem"), edge.Output);
        Assert.Equal(0, (await ZfReplProgram.RunAsync(site.Folder, "proof", "verify", "clean.json", "--key", "centre.pem")).ExitCode);
        var other = await ZfReplProgram.RunAsync(site.Folder, "proof", "verify", "clean.json", "--key", "edge.pem");
        Assert.Equal(4, other.ExitCode);
        Assert.Contains("signed with another key", other.Error, StringComparison.Ordinal);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(site.Folder, "target", "proof.key")));
    }

    private static (ProofContent Proof, SourceStatement Source) Read(Site site, string file)
    {
        Assert.Null(ProofContent.TryRead(File.ReadAllText(Path.Combine(site.Folder, file)), out _, out var proof));
        Assert.Null(proof!.TryReadStatement(out _, out var source));
        return (proof, source!);
    }

    private async Task<ProgramRun> ProveAsync(Site site, int exitCode, params string[] arguments)
    {
        var run = await ZfReplProgram.RunAsync(site.Folder, ["proof", "--node", Site.Source, "--bus", "run", .. arguments]);
        output.WriteLine($"{TimeProvider.System.GetUtcNow():mm:ss.f} {string.Join(' ', arguments)}: {run.ExitCode}\n{run.Output}\n{run.Error}");
        Assert.True(run.ExitCode == exitCode, $"{run.ExitCode}: {run.Output}{run.Error}\n{site.Outputs}");

        // Whatever somebody does to the database, the source's accounts match.
        Assert.Equal(0, (await site.BooksAsync()).Lost);
        return run;
    }

    private static async Task<int> ExecuteAsync(Site site, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={site.DatabasePath};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 30;
        return await command.ExecuteNonQueryAsync();
    }
}
