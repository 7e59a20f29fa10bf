using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Keys;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>The store of keys is read again while services run.</summary>
public sealed class LiveKeysTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly string _first = ApiKey.Generate();
    private readonly string _second = ApiKey.Generate();

    private string StorePath => _folder["keys.yml"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_change_is_noticed_within_a_second_and_an_unchanged_key_stays_the_same_object()
    {
        Save(Store(_first));
        var keys = Open();
        var key = new LiveKey(keys, "k", outside: null);
        var before = key.Current;
        Assert.NotNull(before);
        using var end = new CancellationTokenSource();
        var run = keys.RunAsync(_time, end.Token);

        Save(Store(_first).With(new StoredKey("other", _second, [], null, null)));
        await NextLookAsync();
        Assert.Equal(2, keys.Store.Keys.Count);
        Assert.Same(before, key.Current);

        Save(Store(_second));
        await NextLookAsync();
        Assert.NotNull(key.Current);
        Assert.NotSame(before, key.Current);

        Save(KeyStore.Empty.With(new StoredKey("k", null, [], null, "2026-02-01T00:00:00Z")));
        await NextLookAsync();
        Assert.Null(key.Current);
        Assert.Equal("key 'k' was retired on 2026-02-01T00:00:00Z; use another key, on both sides", key.Trouble);

        Save(KeyStore.Empty);
        await NextLookAsync();
        Assert.Contains($"key 'k' is not in {StorePath} any more", key.Trouble, StringComparison.Ordinal);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public void A_file_that_is_broken_open_to_others_or_gone_changes_nothing_and_is_said()
    {
        Save(Store(_first));
        var keys = Open();
        var key = new LiveKey(keys, "k", outside: null);
        var before = key.Current;

        File.WriteAllText(StorePath, "keys: [");
        Said("the store of keys is wrong, the keys of before stay in use: ");
        Save(Store(_first));
        Fine();
        File.SetUnixFileMode(StorePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Said("chmod 600");
        File.SetUnixFileMode(StorePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Fine();
        File.Delete(StorePath);
        Said("is not there any more");
        Directory.CreateDirectory(StorePath);
        Said("is not there any more");
        Directory.Delete(StorePath);
        Save(Store(_first));
        Fine();

        void Said(string what)
        {
            keys.Refresh();
            Assert.Contains(what, keys.Trouble, StringComparison.Ordinal);
            Assert.Same(before, key.Current);
        }

        void Fine()
        {
            keys.Refresh();
            Assert.Null(keys.Trouble);
            Assert.Same(before, key.Current);
        }
    }

    [Fact]
    public async Task A_file_that_could_not_be_read_when_it_changed_is_read_later_although_it_does_not_change_again()
    {
        Save(Store(_first));
        var keys = Open();
        var key = new LiveKey(keys, "k", outside: null);
        using var end = new CancellationTokenSource();
        var run = keys.RunAsync(_time, end.Token);
        Save(KeyStore.Empty.With(new StoredKey("k", null, [], null, "2026-02-01T00:00:00Z")));
        using (new FileStream(StorePath, FileMode.Open, FileAccess.Read, FileShare.None))
        {
            await NextLookAsync();
            Assert.NotNull(keys.Trouble);
            Assert.NotNull(key.Current);
        }

        await NextLookAsync();
        Assert.Null(keys.Trouble);
        Assert.Null(key.Current);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public void A_key_with_a_file_of_its_own_is_that_until_the_store_says_otherwise()
    {
        var keys = Open();
        var outside = TransferRig.NewKey("k");
        var key = new LiveKey(keys, "k", outside);
        Assert.Same(outside, key.Current);
        Save(KeyStore.Empty.With(new StoredKey("k", null, ["all"], null, null)).With(new StoredAcl("all", IsAdmin: true, [], [], [], [])));
        key.Refresh();
        Assert.Same(outside, key.Current);
        Save(KeyStore.Empty.With(new StoredKey("k", null, [], null, "2026-02-01T00:00:00Z")));
        key.Refresh();
        Assert.Null(key.Current);
    }

    [Fact]
    public void An_access_list_that_changes_holds_for_the_next_block()
    {
        Save(Store(_first));
        var keys = Open();
        var guard = new SourceGuard("k", keys.RightsOf("k")) { Live = () => keys.RightsOf("k") };
        Assert.False(guard.Now.MayWrite(Oid.Parse("sensor:a")));
        Assert.True(OidMask.TryParse("sensor:a", out var mask, out _));
        Save(KeyStore.Empty.With(new StoredKey("k", _first, ["a"], null, null)).With(new StoredAcl("a", IsAdmin: false, [], [mask], [], [])));
        keys.Refresh();
        Assert.True(guard.Now.MayWrite(Oid.Parse("sensor:a")));
    }

    [Fact]
    public async Task With_a_key_that_is_retired_at_the_source_a_session_ends_at_once_and_no_other_begins()
    {
        Save(Store(_first));
        var keys = Open();
        var live = new LiveKey(keys, "k", outside: null);
        await using var rig = new TransferRig(
            new LoopbackBus(), live.Current, live.Current, o => o with { RepeatAfter = TimeSpan.FromMilliseconds(50), Timeout = TimeSpan.FromSeconds(2) }, serve: m => m with { Live = live });
        rig.AddBlock(10);
        Assert.Single((await rig.OfferedAsync()).Offers);

        Save(KeyStore.Empty.With(new StoredKey("k", null, [], null, "2026-02-01T00:00:00Z")));
        keys.Refresh();
        Assert.False((await rig.Link.NextAsync(rotate: true, 16, behind: null, CancellationToken.None)).IsOk);
        Assert.False((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
        Assert.True(rig.Server.Counters.Refused["retired key"] >= 1);
        Assert.Equal(0, rig.Server.Counters.Sessions);

        // Given a new one, both go on.
        Save(Store(_first));
        keys.Refresh();
        Assert.Single(await rig.FetchAllAsync());
    }

    [Fact]
    public async Task With_a_key_that_is_retired_at_the_target_it_asks_no_more_and_says_why()
    {
        Save(Store(_first));
        var keys = Open();
        var live = new LiveKey(keys, "k", outside: null);
        await using var rig = new TransferRig(new LoopbackBus(), live.Current, live.Current, o => o with { Live = live });
        rig.AddBlock(10);
        Assert.Single((await rig.OfferedAsync()).Offers);
        Save(KeyStore.Empty.With(new StoredKey("k", null, [], null, "2026-02-01T00:00:00Z")));

        // A new session looks at the file itself.
        var refused = await rig.Link.EnsureSessionAsync(CancellationToken.None);
        Assert.Equal("key 'k' was retired on 2026-02-01T00:00:00Z; use another key, on both sides", refused.Detail);
        Assert.False((await rig.Link.NextAsync(rotate: true, 16, behind: null, CancellationToken.None)).IsOk);
        Assert.Single(rig.Blocks.All);
    }

    private static KeyStore Store(string secret) => KeyStore.Empty.With(new StoredKey("k", secret, [], null, null));

    private void Save(KeyStore store) => Assert.True(store.Save(DiskStorage.Instance, StorePath).IsOk);

    private LiveKeys Open()
    {
        var stamp = FileStamp.Of(StorePath);
        return new LiveKeys(StorePath, KeyStore.Load(StorePath, out _) ?? KeyStore.Empty, stamp);
    }

    private async Task NextLookAsync()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(() => _time.PendingTimers == 1, "it has looked");
    }
}
