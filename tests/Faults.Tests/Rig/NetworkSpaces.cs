using System.Globalization;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>
/// Three machines in one: edge, broker and centre, each in a network of its own, and the cables between them, which can be cut, made lossy or slow.
/// Nothing of it touches the machine's own network.
/// </summary>
internal sealed class NetworkSpaces : IAsyncDisposable
{
    /// <summary>What it takes.</summary>
    public const string Programs = "ip";

    private readonly List<string> _spaces = [];

    /// <summary>The broker's address for both others.</summary>
    public const string BrokerAddress = "10.99.0.1";

    public string Edge => _spaces[1];

    public string Broker => _spaces[0];

    public string Centre => _spaces[2];

    /// <summary>
    /// The command that a program of one of the machines is started by, and becomes. Not <c>ip netns exec</c>: that takes a copy of all mounts along, so
    /// that disks of other tests can't be unmounted.
    /// </summary>
    public static IReadOnlyList<string> In(string space) => [ProgramLookup.Find("nsenter")!, $"--net=/run/netns/{space}"];

    public static async Task<NetworkSpaces> CreateAsync()
    {
        var self = new NetworkSpaces();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var name = await Leftovers.NewNameAsync();
                await Shell.RunAsync("ip", "netns", "add", name);
                self._spaces.Add(name);
                await IpAsync(name, "link", "set", "lo", "up");
            }

            await IpAsync(self.Broker, "addr", "add", $"{BrokerAddress}/32", "dev", "lo");
            for (var i = 1; i < 3; i++)
            {
                var (inner, outer) = (string.Create(CultureInfo.InvariantCulture, $"to{i}"), "up0");
                await IpAsync(self.Broker, "link", "add", inner, "type", "veth", "peer", "name", outer, "netns", self._spaces[i]);
                await IpAsync(self.Broker, "addr", "add", string.Create(CultureInfo.InvariantCulture, $"10.99.{i}.1/24"), "dev", inner);
                await IpAsync(self.Broker, "link", "set", inner, "up");
                await IpAsync(self._spaces[i], "addr", "add", string.Create(CultureInfo.InvariantCulture, $"10.99.{i}.2/24"), "dev", outer);
                await IpAsync(self._spaces[i], "link", "set", outer, "up");
                await IpAsync(self._spaces[i], "route", "add", "default", "via", string.Create(CultureInfo.InvariantCulture, $"10.99.{i}.1"));
            }

            return self;
        }
        catch
        {
            await self.DisposeAsync();
            throw;
        }
    }

    /// <summary>Filters what a machine receives: rules of nft's chain input. An empty list lets everything through again.</summary>
    public static async Task FilterAsync(string space, params string[] rules)
    {
        await Shell.TryAsync("nsenter", $"--net=/run/netns/{space}", "nft", "delete", "table", "ip", "fault");
        if (rules.Length == 0)
        {
            return;
        }

        await RunAsync(space, "nft", "add", "table", "ip", "fault");
        await RunAsync(space, "nft", "add", "chain", "ip", "fault", "in", "{ type filter hook input priority 0; }");
        foreach (var rule in rules)
        {
            await RunAsync(space, "nft", "add", "rule", "ip", "fault", "in", rule);
        }
    }

    /// <summary>How many packets the rules with a counter have met.</summary>
    public static async Task<long> FilteredAsync(string space)
    {
        var words = (await RunAsync(space, "nft", "list", "table", "ip", "fault")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Zip(words.Skip(1)).Where(w => w.First == "packets").Sum(w => long.Parse(w.Second, CultureInfo.InvariantCulture));
    }

    /// <summary>Limits what a machine sends; null lets it send as it likes.</summary>
    public static Task RateAsync(string space, string device, string? rate) => rate is null
        ? RunAsync(space, "tc", "qdisc", "del", "dev", device, "root")
        : RunAsync(space, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "4kb", "latency", "400ms");

    public static Task LinkAsync(string space, bool isUp) => IpAsync(space, "link", "set", "up0", isUp ? "up" : "down");

    /// <summary>After a cable was pulled, the way out has to be told again.</summary>
    public Task RouteAsync(string space)
    {
        var gateway = string.Create(CultureInfo.InvariantCulture, $"10.99.{_spaces.IndexOf(space)}.1");
        return IpAsync(space, "route", "replace", "default", "via", gateway);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var space in _spaces)
        {
            // The cables go with it.
            await Shell.TryAsync("ip", "netns", "del", space);
        }
    }

    private static Task<string> IpAsync(string space, params string[] arguments) => Shell.RunAsync("ip", ["-n", space, .. arguments]);

    private static Task<string> RunAsync(string space, params string[] command) => Shell.RunAsync("nsenter", [$"--net=/run/netns/{space}", ProgramLookup.Find(command[0]) ?? command[0], .. command[1..]]);
}
