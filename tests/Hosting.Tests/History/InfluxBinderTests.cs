using ZfRepl.Core.History.Influx;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.History;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.History;

/// <summary>The section <c>history</c> with <c>kind: influxdb</c>.</summary>
public sealed class InfluxBinderTests : IDisposable
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_url_is_enough_and_the_ledger_stands_where_the_file_would()
    {
        var (options, document) = Bind("url: 'http://db.plant.local:8086'");
        Assert.Empty(document.Errors);
        Assert.Equal(
            new InfluxHistoryOptions { Url = new Uri("http://db.plant.local:8086"), LedgerPath = "/data/history-ledger.db" }, options);
    }

    [Fact]
    public void Every_key_arrives()
    {
        Write("secret", "hunter2\n");
        Write("ca.pem", "certificate");
        var (options, document) = Bind(
            "url: 'https://h/influx', database: plant, retention_policy: long, measurement: events, username: u, password_file: secret, "
            + "ca_certs: ca.pem, timeout: 5s, ledger: l.db, create_database: false, allow_unsafe_server: true");
        Assert.Empty(document.Errors);
        Assert.Contains("wal-fsync-delay", Assert.Single(document.Warnings).ToString(), StringComparison.Ordinal);
        Assert.Equal(
            new InfluxHistoryOptions
            {
                Url = new Uri("https://h/influx"),
                Database = "plant",
                RetentionPolicy = "long",
                Measurement = "events",
                Username = "u",
                Password = "hunter2",
                CaFile = _folder["ca.pem"],
                RequestTimeout = TimeSpan.FromSeconds(5),
                LedgerPath = _folder["l.db"],
                CreatesDatabase = false,
                AllowsUnsafeServer = true,
            },
            options);
    }

    [Theory]
    [InlineData("database: x", "`url` is missing")]
    [InlineData("url: hunter2", "`url` is no URL of InfluxDB")]
    [InlineData("url: 'postgresql://u:hunter2@h'", "`url` is no URL of InfluxDB")]
    [InlineData("url: 'http://u:hunter2@h'", "`url` holds more than the server")]
    [InlineData("url: 'http://h/?p=hunter2'", "`url` holds more than the server")]
    [InlineData("url: 'http://h', path: x.db", "`path` belongs to `kind: sqlite`")]
    [InlineData("url: 'http://h', schema: x", "`schema` belongs to `kind: postgresql`")]
    [InlineData("url: 'http://h', measurement: '#x'", "`measurement` is no name in InfluxDB")]
    [InlineData("url: 'http://h', database: 'a\\b'", "`database` is no name in InfluxDB")]
    [InlineData("url: 'http://h', username: u", "there is a user and no password")]
    [InlineData("url: 'http://h', password: hunter2", "there is a password and no `username`")]
    [InlineData("url: 'http://h', username: 'a:b', password: hunter2", "a user name with a colon")]
    [InlineData("url: 'http://h', username: u, password: hunter2, password_file: f", "there is more than one password")]
    [InlineData("url: 'http://h', ca_certs: none", "is not there")]
    [InlineData("url: 'http://h', timeout: 0", "`timeout` is '0', allowed is")]
    [InlineData("url: 'http://h', mesurement: x", "did you mean `measurement`?")]
    public void Mistakes_are_named_and_show_no_secret(string keys, string message)
    {
        var (_, document) = Bind(keys);
        Assert.Contains(document.Errors, e => e.ToString().Contains(message, StringComparison.Ordinal));
        Assert.All(document.Errors, e => Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://db.plant.local", true)]
    [InlineData("http://127.0.0.1:8086", false)]
    [InlineData("https://db.plant.local", false)]
    public void A_password_in_clear_on_the_network_is_warned_of(string url, bool isWarned)
    {
        var (_, document) = Bind($"url: '{url}', username: u, password: hunter2");
        Assert.Equal(isWarned, document.Warnings.Any(w => w.ToString().Contains("travels in clear", StringComparison.Ordinal)));
    }

    private (InfluxHistoryOptions Options, ConfigDocument Document) Bind(string keys)
    {
        Write("svc.yml", $"history: {{ kind: influxdb, {keys} }}\n");
        var document = ConfigDocument.Load(_folder["svc.yml"]);
        var options = Assert.IsType<InfluxHistoryOptions>(HistoryBinder.Bind(document.Root, "/data/history.db", new FolderNeeds()));
        document.Finish();
        return (options, document);
    }

    private void Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        File.SetUnixFileMode(_folder[name], Own);
    }
}
