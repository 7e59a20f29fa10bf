using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Keys;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>The store of keys and access lists: what is written is read back, and nothing wrong is taken.</summary>
public sealed class KeyStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string StorePath => _folder["etc", "keys.yml"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_and_is_for_its_owner_alone()
    {
        var secret = ApiKey.Generate();
        var acl = new StoredAcl("plant \"1\" #ä", IsAdmin: false, Masks("#"), Masks("sensor:plant1/#", "+:x/r~^a.b$"), Masks("lvar"), Masks("sensor:plant1/secret"));
        var saved = KeyStore.Empty
            .With(new StoredKey("edge1", secret, [acl.Name], "2026-01-01T00:00:00Z", Retired: null))
            .With(new StoredKey("old", null, [], null, "2026-02-01T00:00:00Z"))
            .With(acl);
        Assert.True(saved.Save(DiskStorage.Instance, StorePath).IsOk);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(StorePath));
        Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(StorePath)!));

        var store = Load();
        Assert.Equal(["edge1", "old"], store.Keys.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((secret, "2026-01-01T00:00:00Z", null), (store.Keys["edge1"].Secret, store.Keys["edge1"].Created, store.Keys["edge1"].Retired));
        Assert.Equal((null, "2026-02-01T00:00:00Z"), (store.Keys["old"].Secret, store.Keys["old"].Retired));
        var rights = store.RightsOf("edge1");
        Assert.True(rights.MayWrite(Oid.Parse("sensor:plant1/t")));
        Assert.True(rights.MayWrite(Oid.Parse("unit:x/aXb")));
        Assert.False(rights.MayWrite(Oid.Parse("sensor:plant1/secret")));
        Assert.False(rights.MayWrite(Oid.Parse("sensor:plant2/t")));
        Assert.False(store.RightsOf("old").MayWrite(Oid.Parse("sensor:plant1/t")));
        Assert.False(store.RightsOf("nobody").MayWrite(Oid.Parse("sensor:plant1/t")));

        // Once more over the old one.
        Assert.True(store.With(store.Keys["edge1"] with { Secret = null, Retired = "2026-03-01T00:00:00Z" }).Save(DiskStorage.Instance, StorePath).IsOk);
        Assert.DoesNotContain(secret, File.ReadAllText(StorePath), StringComparison.Ordinal);
    }

    [Fact]
    public void Access_lists_are_written_as_in_the_original()
    {
        Write("""
            keys:
              edge1: {acls: [a, b]}
            acls:
              a:
                admin: false
                read: {items: ["#"], pvt: [], rpvt: []}
                write: {items: ["sensor:a/#"]}
                deny_read: {items: []}
                ops: [log]
                meta: {}
              b: {deny: {items: ["sensor:a/x"]}}
            """);
        var rights = Load().RightsOf("edge1");
        Assert.True(rights.MayWrite(Oid.Parse("sensor:a/y")));
        Assert.False(rights.MayWrite(Oid.Parse("sensor:a/x")));
        Assert.True(rights.MayRead(Oid.Parse("sensor:a/x")));
    }

    [Theory]
    [InlineData("keys: {k: {acls: [nobody]}}", "access list 'nobody' that is not there")]
    [InlineData("keys: {k: {key: short}}", "a random key of at least 128 bits")]
    [InlineData("keys: {k: {kye: x}}", "unknown key `kye`")]
    [InlineData("keys: {'a/b': {}}", "can't be a key's id")]
    [InlineData("acls: {a: {write: {items: ['sensor:']}}}", "mask")]
    [InlineData("acls: {a: {deny: {}, deny_write: {}}}", "another word for")]
    [InlineData("acls: {a: {admin: maybe}}", "expected true or false")]
    [InlineData("acsl: {}", "unknown key `acsl`")]
    [InlineData("keys: [", "keys.yml")]
    public void What_is_wrong_is_named(string yaml, string problem)
    {
        Write(yaml);
        Assert.Null(KeyStore.Load(StorePath, out var problems));
        Assert.Contains(problems, p => p.Contains(problem, StringComparison.Ordinal));
        Assert.DoesNotContain(problems, p => p.Contains("short", StringComparison.Ordinal) && !p.Contains("short plain", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_store_that_is_open_to_others_is_refused(UnixFileMode others)
    {
        Write("keys: {}");
        File.SetUnixFileMode(StorePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | others);
        Assert.Null(KeyStore.Load(StorePath, out var problems));
        Assert.Contains("chmod 600", Assert.Single(problems), StringComparison.Ordinal);
    }

    private static OidMask[] Masks(params string[] texts) =>
        [.. texts.Select(t => OidMask.TryParse(t, out var mask, out var error) ? mask : throw new ArgumentException(error, nameof(texts)))];

    private void Write(string yaml)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(StorePath)!);
        File.WriteAllText(StorePath, yaml);
        File.SetUnixFileMode(StorePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private KeyStore Load()
    {
        var store = KeyStore.Load(StorePath, out var problems);
        Assert.True(store is not null, string.Join("\n", problems));
        return store;
    }
}
