using ZfRepl.Core.History;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.History;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.History;

/// <summary>The section <c>history</c>: what each kind takes, and what is said of mistakes.</summary>
public sealed class HistoryBinderTests : IDisposable
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_a_section_it_is_the_roles_own_file()
    {
        Assert.Equal(new SqliteHistoryOptions { Path = "/default.db" }, Bind("x: 1\n"));
        Assert.Equal(new SqliteHistoryOptions { Path = _folder["h.db"] }, Bind("history: { kind: sqlite, path: h.db }\n"));
    }

    [Theory]
    [InlineData("url: postgresql://db.plant.local", "db.plant.local", 5432, "zfrepl", "zfrepl", null)]
    [InlineData("url: 'postgres://writer:p%40ss%2F@[::1]:6000/plant'", "::1", 6000, "writer", "plant", "p@ss/")]
    [InlineData("{ url: 'postgresql://10.0.0.5/plant', username: writer, password: 0123 }", "10.0.0.5", 5432, "writer", "plant", "0123")]
    [InlineData("{ url: 'postgresql:///plant?host=/run/postgresql', password_file: secret }", "/run/postgresql", 5432, "zfrepl", "plant", "from the file")]
    [InlineData("{ url: 'postgresql:///?host=/run/postgresql', username: writer, database: plant, password: '${PG_PASSWORD}' }", "/run/postgresql", 5432, "writer", "plant", "from-env")]
    public void A_url_and_keys_say_where_the_server_is(
        string keys, string host, int port, string userName, string database, string? password)
    {
        Write("secret", "from the file\n");
        var options = Assert.IsType<PostgresHistoryOptions>(Bind($"history: {Postgres(keys)}\n"));
        Assert.Equal((host, port, userName, database, password), (options.Host, options.Port, options.UserName, options.Database, options.Password));
        Assert.Equal(("zfrepl", PostgresTls.Prefer, false, TimeSpan.FromSeconds(60)), (options.Schema, options.Tls, options.AllowUnsafeServer, options.Timeout));
        Assert.DoesNotContain(password ?? "\0", options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("url: postgresql://h?sslmode=disable", PostgresTls.Off)]
    [InlineData("url: postgresql://h?sslmode=verify-full", PostgresTls.Verify)]
    [InlineData("{ url: postgresql://h, tls: require }", PostgresTls.Require)]
    [InlineData("{ url: postgresql://h, ca_certs: ca.pem }", PostgresTls.Verify)]
    public void Protection_is_chosen_by_url_or_key(string keys, PostgresTls tls)
    {
        Write("ca.pem", "certificate");
        Assert.Equal(tls, Assert.IsType<PostgresHistoryOptions>(Bind($"history: {Postgres(keys)}\n")).Tls);
    }

    [Theory]
    [InlineData("kind: oracle", "`kind` is 'oracle', expected one of sqlite, postgresql")]
    [InlineData("{ kind: sqlite, url: postgresql://h }", "`url` belongs to a database server, and this is SQLite")]
    [InlineData("{ kind: postgresql, url: postgresql://h, path: x.db }", "`path` belongs to `kind: sqlite`")]
    [InlineData("kind: postgresql", "`url` is missing")]
    [InlineData("{ kind: postgresql, url: hunter2@host }", "`url` is no URL of PostgreSQL")]
    [InlineData("{ kind: postgresql, url: 'http://hunter2@h' }", "`url` is no URL of PostgreSQL")]
    [InlineData("{ kind: postgresql, url: 'postgresql://u:hunter2@' }", "`url`")]
    [InlineData("{ kind: postgresql, url: 'postgresql://u:hunter2@h/a/b' }", "`url` has more than a database behind the host")]
    [InlineData("{ kind: postgresql, url: 'postgresql://u:hunter2@h?application_name=x' }", "`url` has a parameter that is not used here")]
    [InlineData("{ kind: postgresql, url: 'postgresql://u:hunter2@h', password: hunter2 }", "there is more than one password")]
    [InlineData("{ kind: postgresql, url: 'postgresql://u@h', username: v }", "`username` stands in `url` already")]
    [InlineData("{ kind: postgresql, url: 'postgresql://h', schema: '' }", "`schema` is no name in PostgreSQL")]
    [InlineData("{ kind: postgresql, url: 'postgresql://h', password_file: none }", "is not there")]
    [InlineData("{ kind: postgresql, url: 'postgresql://h', ca_certs: none }", "is not there")]
    [InlineData("{ kind: postgresql, url: 'postgresql://h', timeout: 0 }", "`timeout` is '0', allowed is")]
    [InlineData("{ kind: postgresql, url: 'postgresql://h', shcema: x }", "did you mean `schema`?")]
    public void Mistakes_are_named_and_show_no_secret(string section, string message)
    {
        var document = Load($"history: {(section.StartsWith('{') ? section : $"{{ {section} }}")}\n");
        HistoryBinder.Bind(document.Root, "/default.db", new FolderNeeds());
        document.Finish();
        Assert.Contains(document.Errors, e => e.ToString().Contains(message, StringComparison.Ordinal));
        Assert.All(document.Errors, e => Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void An_unsafe_server_is_warned_of_and_so_is_a_password_that_others_can_read()
    {
        var document = Load("history: { kind: postgresql, url: 'postgresql://u:hunter2@h', allow_unsafe_server: true }\n");
        File.SetUnixFileMode(_folder["svc.yml"], Own | UnixFileMode.OtherRead);
        document = ConfigDocument.Load(_folder["svc.yml"]);
        Assert.True(Assert.IsType<PostgresHistoryOptions>(HistoryBinder.Bind(document.Root, "/default.db", new FolderNeeds())).AllowUnsafeServer);
        Assert.Contains(document.Warnings, w => w.ToString().Contains("LOSS: a server with fsync", StringComparison.Ordinal));
        Assert.Contains(document.Warnings, w => w.ToString().Contains("the secret `url` stands in a file that other accounts can read", StringComparison.Ordinal));
        Assert.All(document.Warnings, w => Assert.DoesNotContain("hunter2", w.ToString(), StringComparison.Ordinal));
    }

    private static string Postgres(string keys) => $"{{ kind: postgresql, {keys.Trim('{', '}')} }}";

    private HistoryOptions Bind(string text)
    {
        var document = Load(text);
        var options = HistoryBinder.Bind(document.Root, "/default.db", new FolderNeeds());
        Assert.Empty(document.Errors);
        return options;
    }

    private ConfigDocument Load(string text)
    {
        Write("svc.yml", text);
        return ConfigDocument.Load(
            _folder["svc.yml"], new ConfigOptions { Environment = name => name == "PG_PASSWORD" ? "from-env" : null });
    }

    private void Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        File.SetUnixFileMode(_folder[name], Own);
    }
}
