using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;

namespace ZfRepl.Hosting.Tests.Rpc;

/// <summary>JSON-RPC 2.0 as seen on the socket, byte by byte.</summary>
public sealed class RpcProtocolTests
{
    private static async Task<RunningHost> StartAsync()
    {
        var host = new RunningHost(ScriptedService.Ready("svc", context =>
        {
            context.Methods.Add("echo", "Gives back what it got", [new RpcParameter("i", RpcType.String, "anything", IsRequired: true)],
                (call, _) => Task.FromResult(RpcResult.Json(JsonValue.Create(call.String("i")))));
            context.Methods.Add("boom", "Fails by a defect", [], (_, _) => throw new InvalidOperationException("broken inside"));
            context.Methods.Add("half", "Fails while it writes", [], (_, _) => Task.FromResult(RpcResult.Write(writer =>
            {
                writer.WriteStartObject();
                throw new InvalidOperationException("broken while writing");
            })));
            context.Methods.Add("cut", "Fails after much was written", [], (_, _) => Task.FromResult(RpcResult.List(Cut(), (writer, n) => writer.WriteNumberValue(n))));
            context.Methods.Add("count", "Many numbers", [new RpcParameter("n", RpcType.Integer, "how many", IsRequired: true)], (call, _) =>
                Task.FromResult(RpcResult.List(Enumerable.Range(0, (int)call.Int64("n")), (writer, n) => writer.WriteNumberValue(n))));
            context.Methods.Add("refuse", "Refuses", [], (_, _) => Task.FromResult(RpcResult.Error(RpcErrorCode.NotFound, "no such mailbox")));
        }));
        await host.WaitReadyAsync();
        return host;
    }

    private static IEnumerable<int> Cut()
    {
        for (var n = 0; n < 100_000; n++)
        {
            yield return n;
        }

        throw new InvalidOperationException("broken at the end");
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","method":"echo","params":{"i":"x"},"id":1}""", """{"jsonrpc":"2.0","id":1,"result":"x"}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"echo","params":{"i":"x"},"id":"a\"b"}""", """{"jsonrpc":"2.0","id":"a\u0022b","result":"x"}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"echo","params":{"i":"x"},"id":null}""", """{"jsonrpc":"2.0","id":null,"result":"x"}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"test","id":1.5}""", """{"jsonrpc":"2.0","id":1.5,"result":null}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"test","params":{},"id":1}""", """{"jsonrpc":"2.0","id":1,"result":null}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"test","params":[],"id":1}""", """{"jsonrpc":"2.0","id":1,"result":null}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"refuse","id":1}""", """{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no such mailbox"}}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"ecko","id":1}""", """{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"unknown method \u0060ecko\u0060 (did you mean \u0060echo\u0060?)"}}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"no.such.thing","id":1}""", """{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"unknown method \u0060no.such.thing\u0060 (\u0060info\u0060 lists all)"}}""")]
    [InlineData("""[{"jsonrpc":"2.0","method":"echo","params":{"i":"x"},"id":1},{"jsonrpc":"2.0","method":"test"},5,{"jsonrpc":"2.0","method":"test","id":2}]""",
        """[{"jsonrpc":"2.0","id":1,"result":"x"},{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a request is an object"}},{"jsonrpc":"2.0","id":2,"result":null}]""")]
    public async Task A_request_is_answered_as_the_specification_says(string request, string answer)
    {
        await using var host = await StartAsync();
        var (status, body) = await RawCaller.PostAsync(host.SocketOf("svc"), request);
        Assert.Equal((200, answer), (status, body));
    }

    [Theory]
    [InlineData("", -32700)]
    [InlineData("{", -32700)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"id\":1} x", -32700)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"id\":1,\"id\":2}", -32700)]
    [InlineData("{'jsonrpc':'2.0'}", -32700)]
    [InlineData("[]", -32600)]
    [InlineData("5", -32600)]
    [InlineData("null", -32600)]
    [InlineData("{}", -32600)]
    [InlineData("{\"jsonrpc\":\"1.0\",\"method\":\"test\",\"id\":1}", -32600)]
    [InlineData("{\"jsonrpc\":2.0,\"method\":\"test\",\"id\":1}", -32600)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":5,\"id\":1}", -32600)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":1}", -32600)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"id\":{}}", -32600)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"id\":1,\"params\":5}", -32600)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1,\"params\":[1]}", -32602)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"test\",\"id\":1,\"params\":{\"a\":1}}", -32602)]
    public async Task Malformed_requests_get_the_error_code_of_the_specification(string request, int code)
    {
        await using var host = await StartAsync();
        var (status, body) = await RawCaller.PostAsync(host.SocketOf("svc"), request);
        Assert.Equal(200, status);
        Assert.Equal(code, JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Notifications_are_carried_out_and_not_answered()
    {
        await using var host = await StartAsync();
        var (status, body) = await RawCaller.PostAsync(host.SocketOf("svc"), """[{"jsonrpc":"2.0","method":"test"},{"jsonrpc":"2.0","method":"nonsense"}]""");
        Assert.Equal((204, ""), (status, body));
    }

    [Fact]
    public async Task A_batch_is_bounded()
    {
        await using var host = await StartAsync();
        var batch = $"[{string.Join(',', Enumerable.Repeat("""{"jsonrpc":"2.0","method":"test","id":1}""", 65))}]";
        var (_, body) = await RawCaller.PostAsync(host.SocketOf("svc"), batch);
        Assert.Contains("a batch holds 1 to 64 calls, this one holds 65", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Depth_is_bounded()
    {
        await using var host = await StartAsync();
        var (_, body) = await RawCaller.PostAsync(host.SocketOf("svc"), new string('[', 10_000));
        Assert.Contains("-32700", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_body_is_refused_by_its_announced_length()
    {
        await using var host = await StartAsync();
        using var caller = new RawCaller(host.SocketOf("svc"));
        await caller.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n{");
        var (status, body) = await caller.ReadToEndAsync();
        Assert.Equal(413, status);
        Assert.Contains("-32600", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_body_without_announced_length_is_refused_on_the_way()
    {
        await using var host = await StartAsync();
        using var caller = new RawCaller(host.SocketOf("svc"));
        await caller.SendAsync("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        var chunk = $"10000\r\n{new string('[', 65536)}\r\n";
        try
        {
            for (var count = 0; count < 40; count++)
            {
                await caller.SendAsync(chunk);
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The server may close before all is sent; that is the refusal, too.
        }

        var (status, _) = await caller.ReadToEndAsync();
        Assert.True(status is 413 or 200 or 0, $"status {status}");
        Assert.Equal(JsonValueKind.Null, (await host.ValueAsync("svc", "test")).ValueKind);
    }

    [Fact]
    public async Task Other_verbs_than_POST_are_told_so()
    {
        await using var host = await StartAsync();
        var (status, body) = await RawCaller.PostAsync(host.SocketOf("svc"), "", "GET");
        Assert.Equal(405, status);
        Assert.Contains("calls are sent with POST", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_defect_in_a_handler_is_an_internal_error_and_a_log_line_and_the_service_goes_on()
    {
        await using var host = await StartAsync();
        var error = Assert.IsType<RpcReply.RemoteError>(await host.CallAsync("svc", "boom"));
        Assert.Equal(RpcErrorCode.Internal, error.Code);
        Assert.DoesNotContain("broken inside", error.Message, StringComparison.Ordinal);
        Assert.Contains("ERROR svc[1020] The method boom failed", host.Log, StringComparison.Ordinal);
        Assert.Contains("InvalidOperationException: broken inside", host.Log, StringComparison.Ordinal);
        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
    }

    [Fact]
    public async Task A_defect_while_the_answer_is_written_becomes_an_error_as_long_as_nothing_was_sent()
    {
        await using var host = await StartAsync();
        var error = Assert.IsType<RpcReply.RemoteError>(await host.CallAsync("svc", "half"));
        Assert.Equal(RpcErrorCode.Internal, error.Code);
    }

    [Fact]
    public async Task A_defect_after_a_part_was_sent_breaks_the_connection()
    {
        await using var host = await StartAsync();
        var reply = Assert.IsType<RpcReply.Unreachable>(await host.CallAsync("svc", "cut"));
        Assert.Equal(RpcTrouble.Broken, reply.Why);
        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
    }

    [Fact]
    public async Task A_list_of_a_million_items_streams_through()
    {
        await using var host = await StartAsync();
        var list = await host.ValueAsync("svc", "count", new JsonObject { ["n"] = 1_000_000 });
        Assert.Equal(1_000_000, list.GetArrayLength());
        Assert.Equal(999_999, list[999_999].GetInt32());
    }

    [Fact]
    public async Task Random_bytes_never_hurt_the_service()
    {
        await using var host = await StartAsync();
        var random = new Random(3);
        const string Alphabet = "{}[]\",:0.eE-\\u truefalsn jsonrpcmethodid2\u00ff";
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(80)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            var (status, _) = await RawCaller.PostAsync(host.SocketOf("svc"), text);
            Assert.True(status is 200 or 204, $"seed 3, round {round}: status {status} for {text}");
        }

        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
    }
}
