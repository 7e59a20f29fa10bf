using System.Globalization;
using System.Text.Json;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Our server against a client that somebody else wrote.</summary>
public sealed class NodeClientTests(NodeClientCertificate certificate) : IClassFixture<NodeClientCertificate>
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
        await using var client = new NodeClient(certificate);
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
        await using var client = new NodeClient(certificate);
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
        await using var client = new NodeClient(certificate);
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

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Every_type_is_read_and_described_as_it_is()
    {
        await using var server = await ServerUnderTest.StartAsync();
        (string Name, Variant Value, string Json)[] all =
        [
            ("Boolean", new(true), "true"), ("SByte", new((sbyte)-7), "-7"), ("Byte", new((byte)200), "200"), ("Int16", new((short)-300), "-300"),
            ("UInt16", new((ushort)60_000), "60000"), ("Int32", new(int.MinValue), "-2147483648"), ("UInt32", new(uint.MaxValue), "4294967295"),
            ("Int64", new(long.MinValue + 1), "\"-9223372036854775807\""), ("UInt64", new(ulong.MaxValue), "\"18446744073709551615\""),
            ("Float", new(0.5f), "0.5"), ("Double", new(-1.25e-300), "-1.25e-300"), ("NaN", new(double.NaN), "\"NaN\""), ("Minus", new(-0.0), "\"-0\""),
            ("String", new("水Boy 𝄞"), "\"水Boy 𝄞\""), ("Empty", new(""), "\"\""), ("NullText", new((string?)null), "null"),
            ("DateTime", new(UaDateTime.From(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123))), "1700000000123"),
            ("Guid", new(Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63")), "\"72962B91-FA75-4AE6-8D28-B404DC7DAF63\""),
            ("ByteString", Variant.ByteString("abc"u8.ToArray()), "\"YWJj\""), ("NodeId", new(NodeId.Parse("ns=1;s=x")), "\"ns=1;s=x\""),
            ("StatusCode", new(StatusCodes.BadSensorFailure), "2156658688"), ("LocalizedText", new(new LocalizedText("de", "Grüße")), "{\"locale\":\"de\",\"text\":\"Grüße\"}"),
            ("Doubles", Variant.Array(BuiltInType.Double, new[] { 1.5, -2.5 }), "[1.5,-2.5]"),
            ("Texts", Variant.Array(BuiltInType.String, new[] { "a", null, "c" }), "[\"a\",null,\"c\"]"),
            ("Longs", Variant.Array(BuiltInType.Int64, new[] { -1L, 2L, 3L }), "[\"-1\",\"2\",\"3\"]"),
            ("Matrix", Variant.Matrix(BuiltInType.Int32, new[] { 1, 2, 3, 4, 5, 6 }, 2, 3), "[1,2,3,4,5,6]"),
        ];
        foreach (var (name, value, _) in all)
        {
            server.Add(name, value);
        }

        await using var client = new NodeClient(certificate);
        await client.StartAsync(server.Port);
        var nodes = all.Select(a => "ns=1;s=" + a.Name).ToArray();
        var read = await client.ReadAsync(nodes);
        var types = await AttributesAsync(client, 14, nodes);
        var ranks = await AttributesAsync(client, 15, nodes);
        for (var i = 0; i < all.Length; i++)
        {
            var (name, value, json) = all[i];
            Assert.Equal(value.Type.ToString(), read[i].GetProperty("type").GetString());
            Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(json).RootElement, read[i].GetProperty("value")), $"{name}: {read[i]}");
            Assert.Equal($"ns=0;i={(int)value.Type}", types[i]);
            Assert.Equal(value.Shape switch { VariantShape.Array => "1", VariantShape.Matrix => "2", _ => "-1" }, ranks[i]);
        }

        Assert.Equal(["2", "2"], await AttributesAsync(client, 2, "ns=1;s=Double", "i=2258"));
        Assert.Equal(["1", "1"], await AttributesAsync(client, 17, "ns=1;s=Double", "i=2258"));
        await client.ExitAsync();
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_written_value_arrives_and_what_may_not_be_written_does_not()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var variable = server.Add("W", new Variant(1.0), isWritable: true);
        server.Add("R", new Variant(1.0));
        var written = new List<DataValue>();
        variable.Written += (_, value) => written.Add(value);
        await using var client = new NodeClient(certificate);
        await client.StartAsync(server.Port, Options("Basic256Sha256", "Sign", true, ServerUnderTest.Password));
        Assert.Equal("Good", await client.AskAsync("write ns=1;s=W Double -2.5e300", "written"));
        Assert.Equal("BadTypeMismatch", await client.AskAsync("write ns=1;s=W String \"no number\"", "written"));
        Assert.Equal("BadTypeMismatch", await client.AskAsync("write ns=1;s=W Double [1,2]", "written"));
        Assert.Equal("BadNotWritable", await client.AskAsync("write ns=1;s=R Double 1", "written"));
        Assert.Equal("BadNodeIdUnknown", await client.AskAsync("write ns=1;s=X Double 1", "written"));
        Assert.Equal(new Variant(-2.5e300), variable.Value.Value);
        Assert.Equal(new Variant(-2.5e300), Assert.Single(written).Value);
        await client.ExitAsync();
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task The_deadband_and_the_overflow_mark_are_understood()
    {
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        var variable = server.Add("D", new Variant(0.0));
        await using var client = new NodeClient(certificate);
        await client.StartAsync(server.Port);
        await client.SubscribeAsync(new { nodes = new[] { "ns=1;s=D" }, queue = 4, publishing = 200, deadband = 1.0, trigger = 1 });
        double[] values = [0.5, 1.0, 1.5, 2.0, 2.6, 0];
        foreach (var (value, i) in values.Select((v, i) => (v, i)))
        {
            variable.Set(ServerUnderTest.At(new Variant(value), i));
        }

        time.Advance(TimeSpan.FromMilliseconds(200));
        await client.WaitAsync(4);
        Assert.Equal([0, 1.5, 2.6, 0], client.Arrived().Select(e => e.GetProperty("value").GetDouble()));

        // Ten changes in one publishing interval do not fit into a queue of four.
        for (var i = 1; i <= 10; i++)
        {
            variable.Set(ServerUnderTest.At(new Variant(100.0 * i), i));
        }

        time.Advance(TimeSpan.FromMilliseconds(200));
        await client.WaitAsync(8);
        var last = client.Arrived()[4..];
        Assert.Equal([700, 800, 900, 1000], last.Select(e => e.GetProperty("value").GetDouble()));
        Assert.Equal([0x480u, 0, 0, 0], last.Select(e => e.GetProperty("status").GetUInt32()));
        await client.ExitAsync();
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", "None")]
    [InlineData("Basic256Sha256", "SignAndEncrypt")]
    public async Task A_client_whose_connection_is_cut_comes_back_and_what_it_has_not_got_is_still_there(string policy, string mode)
    {
        const int changes = 3000;
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        var variables = server.AddVariables(10);
        await using var client = new NodeClient(certificate);
        await client.StartAsync(server.Port, Options(policy, mode, false, ""));
        await client.SubscribeAsync(new { count = 10, format = "ns=1;s=V", queue = 10_000, publishing = 20 });
        time.Advance(TimeSpan.FromMilliseconds(20));
        await client.WaitAsync(10);
        for (var n = 1; n <= changes; n++)
        {
            variables[n % 10].Set(ServerUnderTest.At(new Variant((long)n), n));
            if (n % 10 == 0)
            {
                time.Advance(TimeSpan.FromMilliseconds(20));
            }

            if (n % 1000 == 500)
            {
                // What was sent last is on its way now, or lost on it.
                await server.Server.CutConnectionsAsync();
            }
            else if (n % 1000 == 0)
            {
                var last = n.ToString(CultureInfo.InvariantCulture);
                await Eventually.TrueAsync(() => client.HasArrived(last), "the client is back");
            }
        }

        var events = JsonDocument.Parse(await client.AskAsync("events", "events")).RootElement;
        Assert.Equal(3, events.GetProperty("lost").GetInt32());
        var arrived = client.Arrived().ConvertAll(e => long.Parse(e.GetProperty("value").GetString()!, CultureInfo.InvariantCulture));

        // This client takes new messages while it still asks for old ones, so it may miss some; then they wait for it on the server. It may also
        // ask for messages that it has and whose acknowledgement went down with the connection, and gets them twice.
        var kept = Unacknowledged(server);
        Assert.Equal(Enumerable.Range(0, changes + 1).Select(n => (long)n), arrived.Concat(kept).Distinct().Order());
        await client.ExitAsync();
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_channel_is_renewed_while_values_flow()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var variables = server.AddVariables(1);
        await using var client = new NodeClient(certificate);
        await client.StartAsync(server.Port, [.. Options("Basic256Sha256", "SignAndEncrypt", false, ""), "--token-lifetime", "2000"]);
        await client.SubscribeAsync(new { count = 1, format = "ns=1;s=V", queue = 1000, publishing = 20 });
        var sent = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                sent++;
                variables[0].Set(ServerUnderTest.At(new Variant((long)sent), sent));
                return sent % 50 == 0 && int.Parse(await client.AskAsync("renewals", "renewals"), CultureInfo.InvariantCulture) >= 2;
            },
            "the channel is renewed twice");
        await client.WaitAsync(sent + 1);
        await client.ExitAsync();
        Assert.Equal(Enumerable.Range(0, sent + 1), client.Arrived().Select(e => int.Parse(e.GetProperty("value").GetString()!, CultureInfo.InvariantCulture)));
    }

    private static List<long> Unacknowledged(ServerUnderTest server)
    {
        lock (server.Server.Core.Gate)
        {
            var subscription = server.Server.Core.Sessions.All.Single().Subscriptions.Values.Single();
            return [.. subscription.Available.SelectMany(n => PipeClient.Changes(subscription.Find(n)!)).Select(c => c.Value.Value.GetInt64())];
        }
    }

    private static async Task<List<string?>> AttributesAsync(NodeClient client, int attribute, params string[] nodes) =>
    [
        .. JsonDocument.Parse(await client.AskAsync($"attribute {attribute} {string.Join(' ', nodes)}", "attribute"))
            .RootElement.EnumerateArray().Select(e => e.GetProperty("value").GetString()),
    ];

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
