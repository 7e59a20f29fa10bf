using System.Text;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Keys;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>Every storage operation of writing the store of keys fails (<see cref="FailAtN"/>): there is the old store or the new one, never half of one.</summary>
public sealed class KeyStoreFailAtNTests
{
    private const string StorePath = "/etc/zfrepl/keys.yml";

    private static readonly KeyStore Old = KeyStore.Empty.With(new StoredKey("old", ApiKey.Generate(), [], null, null));
    private static readonly KeyStore New = Old.With(new StoredKey("new", ApiKey.Generate(), [], null, null));

    [Fact]
    public Task Writing_a_store_until_it_is_written() => FailAtN.RunAsync("key store", async faults =>
    {
        var storage = new SimulatedStorage();
        Assert.True(Old.Save(storage, StorePath).IsOk);
        faults.Break(storage);
        faults.Arm();
        await faults.RepeatAsync(() => New.Save(storage, StorePath));
        faults.Lift();

        // What failed once leaves no secret behind.
        Assert.True(!faults.IsOnce || storage.Snapshot().Keys.Single() == StorePath, string.Join('\n', storage.Snapshot().Keys));
        storage.Crash(new Random(faults.FailAt));
        Assert.Equal(New.ToYaml(), Read(storage));
    });

    [Fact]
    public Task Writing_a_store_once_and_then_the_power_goes() => FailAtN.RunAsync("key store and power cut", faults =>
    {
        var storage = new SimulatedStorage();
        Assert.True(Old.Save(storage, StorePath).IsOk);
        faults.Break(storage);
        faults.Arm();
        var saved = New.Save(storage, StorePath);
        faults.Say(saved.Error?.ToString());
        faults.Lift();
        Assert.Contains(Read(storage), new[] { Old.ToYaml(), New.ToYaml() });
        storage.Crash(new Random(faults.FailAt));
        Assert.Contains(Read(storage), saved.IsOk ? [New.ToYaml()] : new[] { Old.ToYaml(), New.ToYaml() });
        return Task.CompletedTask;
    });

    /// <summary>The negative control: where errors of syncs are not looked at, a power cut leaves something else.</summary>
    [Fact]
    public Task Without_looking_at_the_errors_of_syncs_it_would_be_noticed() => Assert.ThrowsAsync<FailAtNException>(() => FailAtN.RunAsync("deaf", async faults =>
    {
        var storage = new SimulatedStorage();
        Assert.True(Old.Save(storage, StorePath).IsOk);
        faults.Break(storage);
        faults.Arm();
        await faults.RepeatAsync(() => New.Save(new DeafStorage(storage), StorePath));
        faults.Lift();
        storage.Crash(new Random(faults.FailAt));
        Assert.Equal(New.ToYaml(), Read(storage));
    }));

    private static string Read(SimulatedStorage storage) => Encoding.UTF8.GetString(storage.Snapshot()[StorePath]);
}
