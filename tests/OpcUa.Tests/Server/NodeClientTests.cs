using System.Globalization;
using System.Text.Json;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Our server against a client that somebody else wrote.</summary>
public sealed class NodeClientTests
{
    private const string Node = "node";

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", "None", false)]
    [InlineData("None", "None", true)]
    [InlineData("Basic256Sha256", "SignAndEncrypt", false)]
    [InlineData("Basic256Sha256", "Sign", true)]
    [InlineData("Aes256_Sha256_RsaPss", "SignAndEncrypt", true)]
    public async Task A_client_connects_browses_and_reads(string policy, string mode, bool withUser)
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ReferencesPerNodeMax = 100 });
        server.AddVariables(1234);
        await using var client = new NodeClient();
        Assert.StartsWith("connected", await client.StartAsync(server.Port, Options(policy, mode, withUser, ServerUnderTest.Password)), StringComparison.Ordinal);
        var browsed = (await client.AskAsync("browse ns=1;s=Plant", "browsed")).Split(' ');
        Assert.Equal("1234", browsed[0]);
        Assert.Equal(Enumerable.Range(0, 1234).Select(i => $"ns=1;s=V{i}"), browsed[1..]);
        var read = await client.ReadAsync("ns=1;s=V7", "i=2259");
        Assert.Equal("0", read[0].GetProperty("value").GetString());
        Assert.Equal(0, read[1].GetProperty("value").GetInt32());
        await client.ExitAsync();
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", "None")]
    [InlineData("Basic256Sha256", "SignAndEncrypt")]
    public async Task A_wrong_password_is_refused(string policy, string mode)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var client = new NodeClient();
        var answer = await client.StartAsync(server.Port, Options(policy, mode, true, "wrong"));
        Assert.StartsWith("refused", answer, StringComparison.Ordinal);
        Assert.Contains("BadUserAccessDenied", answer, StringComparison.Ordinal);
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", "None")]
    [InlineData("Basic256Sha256", "SignAndEncrypt")]
    public async Task Every_change_of_500_items_arrives_in_order_with_type_status_and_time(string policy, string mode)
    {
        const int items = 500;
        const int rounds = 40;
        await using var server = await ServerUnderTest.StartAsync();
        var variables = Enumerable.Range(0, items).Select(i => server.Add("V" + i.ToString(CultureInfo.InvariantCulture), ValueOf(i, 0))).ToArray();
        await using var client = new NodeClient();
        await client.StartAsync(server.Port, Options(policy, mode, false, ""));
        var subscribed = await client.SubscribeAsync(new { count = items, format = "ns=1;s=V", queue = 1000, publishing = 20 });
        Assert.Equal(items, subscribed.GetProperty("good").GetInt32());
        Assert.Equal(0, subscribed.GetProperty("sampling").GetDouble());
        await client.WaitAsync(items);
        for (var round = 1; round <= rounds; round++)
        {
            for (var i = 0; i < items; i++)
            {
                variables[i].Set(ServerUnderTest.At(ValueOf(i, round), (round * 1000) + i, StatusOf(i, round)));
            }

            // The last rounds come as fast as they can, the first ones spread over publishing intervals.
            if (round < 20)
            {
                await client.WaitAsync(items * (round + 1));
            }
        }

        await client.WaitAsync(items * (rounds + 1));
        await client.ExitAsync();
        var arrived = client.Arrived().GroupBy(e => e.GetProperty("node").GetString()!).ToDictionary(g => g.Key, g => g.ToList());
        Assert.Equal(items, arrived.Count);
        for (var i = 0; i < items; i++)
        {
            var of = arrived["ns=1;s=V" + i.ToString(CultureInfo.InvariantCulture)];
            Assert.Equal(rounds + 1, of.Count);
            for (var round = 0; round <= rounds; round++)
            {
                var expected = round == 0 ? ServerUnderTest.At(ValueOf(i, 0), 0) : ServerUnderTest.At(ValueOf(i, round), (round * 1000) + i, StatusOf(i, round));
                Assert.Equal(Line(expected), Line(of[round]));
            }
        }
    }

    private static Variant ValueOf(int item, int round)
    {
        var n = (item * 1000) + round;
        return (item % 10) switch
        {
            0 => new Variant(n * 1.0009765625),
            1 => new Variant(n * 0.25f),
            2 => new Variant(-n),
            3 => new Variant(round % 2 == 0),
            4 => new Variant($"text {n} äß水"),
            5 => new Variant((short)(round - 7)),
            6 => new Variant(4_000_000_000u + (uint)n),
            7 => new Variant(long.MinValue + n),
            8 => new Variant(ulong.MaxValue - (ulong)n),
            _ => new Variant((byte)round),
        };
    }

    private static StatusCode StatusOf(int item, int round) =>
        (item + round) % 17 == 0 ? StatusCodes.BadSensorFailure : (item + round) % 13 == 0 ? StatusCodes.UncertainLastUsableValue : StatusCode.Good;

    private static string Line(in DataValue value) => string.Create(
        CultureInfo.InvariantCulture,
        $"{value.Value.Type} {Text(value.Value)} {value.Status.Value} {value.SourceTimestamp.Ticks} {value.SourcePicoseconds}");

    private static string Line(JsonElement entry)
    {
        var type = entry.GetProperty("type").GetString()!;
        var value = entry.GetProperty("value");
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number when type == "Double" => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
            JsonValueKind.Number when type == "Float" => ((float)value.GetDouble()).ToString("R", CultureInfo.InvariantCulture),
            _ => value.GetRawText(),
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{type} {text} {entry.GetProperty("status").GetUInt32()} {entry.GetProperty("ticks").GetString()} {entry.GetProperty("ps").GetInt32()}");
    }

    private static string Text(Variant value) => value.Type switch
    {
        BuiltInType.String => value.GetString()!,
        BuiltInType.Boolean => value.GetBoolean() ? "true" : "false",
        BuiltInType.Double => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.Float => value.GetFloat().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 => value.GetInt64().ToString(CultureInfo.InvariantCulture),
        _ => value.GetUInt64().ToString(CultureInfo.InvariantCulture),
    };

    private static string[] Options(string policy, string mode, bool withUser, string password) =>
        ["--policy", policy, "--mode", mode, .. withUser ? new[] { "--user", ServerUnderTest.User, "--password", password } : []];
}
