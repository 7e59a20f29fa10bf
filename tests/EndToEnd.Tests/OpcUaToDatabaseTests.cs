using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// A real OPC UA server and a real broker, neither of them ours: the centre's database must equal the server's own log of its changes.
/// </summary>
public sealed class OpcUaToDatabaseTests(ITestOutputHelper output)
{
    private const int Changes = 50_000;
    private const int RatePerSecond = 5_000;

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Fifty_thousand_changes_arrive_as_the_server_logged_them_in_clear()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new NodeOpcUaFeed(RatePerSecond, Changes, variables: 200);
        await ProveAsync(feed, new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 2" }, broker);
    }

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto", "mosquitto_passwd")]
    public async Task Fifty_thousand_changes_arrive_as_the_server_logged_them_signed_and_encrypted_on_both_links()
    {
        using var folder = new TempFolder();
        using var authority = new CertificateAuthority(folder.Path);
        var (certificate, key, _) = authority.Issue("broker");
        MosquittoPassword.Write(folder["passwords"], "node", "sesame-open");
        await using var broker = await MosquittoServer.StartAsync(
            $"certfile {certificate}", $"keyfile {key}", "allow_anonymous false", $"password_file {folder["passwords"]}");
        await using var feed = new NodeOpcUaFeed(
            RatePerSecond, Changes, variables: 200, "security_policy: Basic256Sha256", "security_mode: sign_and_encrypt", "accept_any_certificate: true");
        var options = new SiteOptions
        {
            Sources = feed.Sources,
            Mailbox = "block_ttl_sec: 2",
            Authority = authority,
            Account = ("node", "sesame-open"),
        };
        await ProveAsync(feed, options, broker);
    }

    private async Task ProveAsync(NodeOpcUaFeed feed, SiteOptions options, MosquittoServer broker)
    {
        await feed.OpenAsync();
        await using var site = new Site(options, broker.Port);
        await site.StartAsync();
        var watch = Stopwatch.StartNew();
        await feed.StartAsync(site);
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0.0} s; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.Equal(Changes, proof.Delivered);
    }
}
