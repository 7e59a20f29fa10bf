using System.Buffers.Binary;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Tests.Interop;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>The subscriber against a server that somebody else wrote, measured by the server's own log.</summary>
[Collection(ClientPlantCollection.Name)]
public sealed class SubscriberTests(ClientPlant plant)
{
    private const string Node = "node";
    private static readonly IReadOnlyList<WatchedItem> All = ClientPlant.Items(ClientPlant.Variables);

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Every_change_of_three_thousand_items_arrives_once()
    {
        const int changes = 20_000;
        const int items = 3_000;
        await using var server = new NodeOpcUaServer();
        await ClientPlant.StartAsync(server, items);
        using var folder = new TempFolder();
        var pki = new PkiFolder(folder["pki"], TimeProvider.System);
        await ClientPlant.TrustAsync(server.EndpointUrl, pki);
        var books = new Books();
        await using var subscriber = new RunningSubscriber(
            ClientPlant.Client(server.EndpointUrl, secure: true, pki), new TestHost(books, ClientPlant.Items(items)));
        await subscriber.ReadyAsync(books, items);
        await server.ChangeAsync(10_000, changes);
        await subscriber.HasAllAsync(books, server, 0);
        Assert.Equal(items + changes, books.Count);
        Assert.Equal(0, subscriber.State.Republished);
        Assert.Equal(items, subscriber.State.Items);
        Assert.Empty(books.Losses);
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_missing_when_the_connection_is_cut_again_and_again(bool secure)
    {
        const int changes = 6_000;
        await using var relay = new Relay(plant.Server.Port);
        var books = new Books();
        await using var subscriber = new RunningSubscriber(plant.Client(secure, relay.EndpointUrl), new TestHost(books, All));
        await subscriber.ReadyAsync(books, All.Count);
        var before = PlantLog.Count(plant.Server);
        await plant.Server.StartChangesAsync(3_000, changes);
        for (var cut = 1; cut <= 4; cut++)
        {
            var target = All.Count + (cut * changes / 6);
            var earlier = cut - 1;
            await subscriber.UntilAsync(
                () => books.Count >= target && subscriber.State.IsConnected && subscriber.State.Reconnects >= earlier,
                $"values before cut {cut}");
            relay.Cut();
        }

        await plant.Server.WaitForChangesAsync();
        await subscriber.HasAllAsync(books, plant.Server, before);
        Assert.Equal(0, books.EnteredTwice);
        Assert.Empty(books.Losses);
        Assert.True(subscriber.State.Reconnects >= 3, subscriber.State.ToString());
        Assert.Single(subscriber.Log.Lines, l => l.Text.Contains("was made with", StringComparison.Ordinal));
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_process_goes_on_where_a_killed_one_stopped(bool secure)
    {
        const int changes = 4_000;
        var books = new Books();
        await using var relay = new Relay(plant.Server.Port);
        var before = await KillInTheMiddleAsync(relay, secure, changes, books, lies: false);
        await using var second = new RunningSubscriber(plant.Client(secure, relay.EndpointUrl), new TestHost(books, All));
        await plant.Server.WaitForChangesAsync();
        await second.HasAllAsync(books, plant.Server, before);
        Assert.Equal(0, books.EnteredTwice);
        Assert.Empty(books.Losses);
        Assert.Equal(0, second.Host.TakenAgain);
        Assert.True(second.State.Republished > 0, second.State.ToString());
        Assert.DoesNotContain(second.Log.Lines, l => l.Text.Contains("was made with", StringComparison.Ordinal));
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_cannot_be_activated_again_is_replaced_and_the_subscription_goes_on(bool secure)
    {
        const int changes = 4_000;
        var books = new Books();
        await using var relay = new Relay(plant.Server.Port);
        var before = await KillInTheMiddleAsync(relay, secure, changes, books, lies: false);
        var state = SubscriptionStateCodec.TryRead(books.State, out _)!;
        var session = state.Session.Session;
        books.State = SubscriptionStateCodec.Write(state with
        {
            Session = state.Session with
            {
                Session = new SessionHandle(session.SessionId, new NodeId(0, Guid.NewGuid()), session.ServerNonce, session.Timeout),
            },
        });
        await using var second = new RunningSubscriber(plant.Client(secure, relay.EndpointUrl), new TestHost(books, All));
        await plant.Server.WaitForChangesAsync();
        await second.HasAllAsync(books, plant.Server, before);
        Assert.Empty(books.Losses);
        Assert.Equal(0, second.Host.TakenAgain);
        Assert.True(second.State.Republished > 0, second.State.ToString());
        Assert.Contains(second.Log.Lines, l => l.Text.Contains("session was refused", StringComparison.Ordinal));
        Assert.DoesNotContain(second.Log.Lines, l => l.Text.Contains("was made with", StringComparison.Ordinal));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Negative_control_a_host_that_lies_about_its_disk_loses_values_and_the_comparison_shows_it()
    {
        const int changes = 4_000;
        var books = new Books();
        await using var relay = new Relay(plant.Server.Port);
        var before = await KillInTheMiddleAsync(relay, secure: false, changes, books, lies: true);
        await using var second = new RunningSubscriber(plant.Client(secure: false, relay.EndpointUrl), new TestHost(books, All));
        await plant.Server.WaitForChangesAsync();
        var log = PlantLog.Read(plant.Server, before);
        await second.UntilAsync(() => books.Values.Contains(log[^1]), "the last change");
        Assert.NotEmpty(books.Missing(log));
        Assert.NotEmpty(books.Losses);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task After_an_orderly_stop_nothing_durable_is_sent_again()
    {
        const int changes = 1_000;
        var books = new Books();
        var before = PlantLog.Count(plant.Server);
        await using (var first = new RunningSubscriber(plant.Client(secure: true), new TestHost(books, All)))
        {
            await first.ReadyAsync(books, All.Count);
            await plant.Server.ChangeAsync(5_000, changes);
            await first.HasAllAsync(books, plant.Server, before);
        }

        await plant.Server.ChangeAsync(5_000, changes);
        await using var second = new RunningSubscriber(plant.Client(secure: true), new TestHost(books, All));
        await second.HasAllAsync(books, plant.Server, before);
        Assert.Equal(0, second.Host.TakenAgain);
        Assert.Empty(books.Losses);
        Assert.Contains(second.Log.Lines, l => l.Text.Contains("the session goes on", StringComparison.Ordinal));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task What_the_server_does_not_have_any_more_is_entered_as_a_gap()
    {
        var books = new Books();
        await using (var first = new RunningSubscriber(plant.Client(secure: false), new TestHost(books, All)))
        {
            await first.ReadyAsync(books, All.Count);
            await plant.Server.ChangeAsync(500, 250);
            await first.UntilAsync(() => books.Count >= All.Count + 250, "all changes");
        }

        books.SetBack(3);
        await using var second = new RunningSubscriber(plant.Client(secure: false), new TestHost(books, All));
        await second.UntilAsync(() => books.Losses.Count > 0, "the loss");
        var loss = Assert.Single(books.Losses);
        Assert.Equal(NotificationLossKind.Gap, loss.Kind);
        Assert.Equal(2u, loss.LastSequenceNumber - loss.FirstSequenceNumber);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_slow_host_is_not_flooded_and_its_subscription_outlives_the_wait()
    {
        const int changes = 2_000;
        var options = RunningSubscriber.Quick with { UnacknowledgedMax = 5, Lifetime = TimeSpan.FromSeconds(4) };
        var client = plant.Client(secure: false) with { SessionTimeout = TimeSpan.FromSeconds(4) };
        var books = new Books();
        var host = new TestHost(books, All);
        await using var subscriber = new RunningSubscriber(client, host, options);
        await subscriber.ReadyAsync(books, All.Count);
        var before = PlantLog.Count(plant.Server);
        host.CloseGate();
        var closedAt = TimeProvider.System.GetTimestamp();
        await plant.Server.ChangeAsync(1_000, changes);
        await subscriber.UntilAsync(
            () => host.Open == options.UnacknowledgedMax && TimeProvider.System.GetElapsedTime(closedAt) > TimeSpan.FromSeconds(7),
            "the full window");
        Assert.Equal(All.Count, books.Count);
        host.OpenGate();
        await subscriber.HasAllAsync(books, plant.Server, before);
        Assert.Equal(options.UnacknowledgedMax, host.OpenMax);
        Assert.Equal(0, subscriber.State.Reconnects);
        Assert.Empty(books.Losses);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_restarted_server_gets_a_new_subscription_and_the_loss_is_entered()
    {
        await using var server = new NodeOpcUaServer();
        await ClientPlant.StartAsync(server, All.Count);
        var books = new Books();
        await using var subscriber = new RunningSubscriber(
            ClientPlant.Client(server.EndpointUrl, secure: false, plant.Pki), new TestHost(books, All));
        await subscriber.ReadyAsync(books, All.Count);
        await server.KillAsync();
        await subscriber.UntilAsync(() => subscriber.State.Text.Contains("cannot be reached", StringComparison.Ordinal), "the break");
        await ClientPlant.StartAsync(server, All.Count);
        await subscriber.UntilAsync(() => subscriber.State.IsConnected && books.Count >= 2 * All.Count, "the values after the restart");
        var before = PlantLog.Count(server);
        await server.ChangeAsync(2_000, 500);
        await subscriber.HasAllAsync(books, server, before);
        var loss = Assert.Single(books.Losses);
        Assert.Equal(NotificationLossKind.SubscriptionLost, loss.Kind);
        Assert.False(loss.From.IsNull);
        Assert.True(loss.To.Ticks > loss.From.Ticks);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_lost_publish_response_is_asked_for_again_over_the_same_connection()
    {
        const int changes = 2_000;
        await using var relay = new Relay(plant.Server.Port);
        var books = new Books();
        await using var subscriber = new RunningSubscriber(plant.Client(secure: false, relay.EndpointUrl), new TestHost(books, All));
        await subscriber.ReadyAsync(books, All.Count);
        var before = PlantLog.Count(plant.Server);
        var publishes = 0;
        relay.OnServerChunk = chunk =>
        {
            // Every third answer to Publish is given up by an abort chunk, as if the server could not send it. The chunk keeps its length, and
            // the text in it may not be longer than 4,096 bytes.
            if (IsPublishResponse(chunk.Span) && ++publishes >= 3 && chunk.Length <= 32 + 4096)
            {
                publishes = 0;
                Abort(chunk.Span);
            }
        };
        await plant.Server.ChangeAsync(1_000, changes);
        await subscriber.HasAllAsync(books, plant.Server, before);
        Assert.True(subscriber.State.Republished > 3, subscriber.State.ToString());
        Assert.True(subscriber.State.Reconnects == 0, string.Join('\n', subscriber.Log.Lines.Select(l => l.Text)));
        Assert.Empty(books.Losses);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Other_items_mean_another_subscription_and_no_change_is_lost_on_the_way()
    {
        const int changes = 3_000;
        await using var relay = new Relay(plant.Server.Port);
        var books = new Books();
        var half = ClientPlant.Items(All.Count / 2);
        await using var subscriber = new RunningSubscriber(plant.Client(secure: false, relay.EndpointUrl), new TestHost(books, half));
        await subscriber.ReadyAsync(books, half.Count);
        var before = PlantLog.Count(plant.Server);
        await plant.Server.StartChangesAsync(2_000, changes);
        await subscriber.UntilAsync(() => books.Count >= half.Count + 200, "some changes");
        subscriber.Host.Items = All;
        relay.Cut();
        await subscriber.UntilAsync(
            () => subscriber.Log.Lines.Any(l => l.Text.Contains("is drained and deleted", StringComparison.Ordinal)), "the change over");
        await plant.Server.WaitForChangesAsync();
        var log = PlantLog.Read(plant.Server, before);
        await subscriber.UntilAsync(() => books.Values.Contains(log[^1]), "the last change");
        var nodes = half.Select(i => i.Key).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(books.Missing([.. log.Where(l => nodes.Contains(l[..l.IndexOf(' ')]))]));
        Assert.Equal(All.Count, subscriber.State.Items);
        Assert.Empty(books.Losses);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Items_that_do_not_exist_are_counted_and_the_others_are_watched()
    {
        var books = new Books();
        WatchedItem[] items =
        [
            .. ClientPlant.Items(3),
            new(NodeId.Parse("ns=1;s=Nothing"), "nothing", TimeSpan.Zero, 10),
            new(ExpandedNodeId.Parse("nsu=urn:nowhere;s=Nothing"), "nowhere", TimeSpan.Zero, 10),
        ];
        await using var subscriber = new RunningSubscriber(plant.Client(secure: false), new TestHost(books, items));
        await subscriber.ReadyAsync(books, 3);
        Assert.Equal(3, subscriber.State.Items);
        Assert.Equal(2, subscriber.State.ItemsRefused);
        Assert.Contains(subscriber.Log.Lines, l => l.Text.Contains("BadNodeIdUnknown", StringComparison.Ordinal));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_host_that_says_no_ends_it_and_nothing_is_acknowledged()
    {
        var books = new Books();
        var host = new TestHost(books, All) { SaysNo = true };
        await using var subscriber = new RunningSubscriber(plant.Client(secure: false), host);
        var error = await subscriber.Running.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("could not be made durable", error!.Reason, StringComparison.Ordinal);
        books.SetBack(1);
        await using var second = new RunningSubscriber(plant.Client(secure: false), new TestHost(books, All));
        await second.UntilAsync(() => books.Count >= 2 * All.Count, "the same notification once more");
        Assert.True(second.State.Republished > 0);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task An_untrusted_server_is_named_in_the_state_with_its_file_and_trusting_it_is_enough()
    {
        using var folder = new TempFolder();
        var pki = new PkiFolder(folder["pki"], TimeProvider.System);
        var books = new Books();
        await using var subscriber = new RunningSubscriber(
            ClientPlant.Client(plant.Server.EndpointUrl, secure: true, pki), new TestHost(books, All));
        await subscriber.UntilAsync(() => subscriber.State.Text.Contains("rejected", StringComparison.Ordinal), "the refusal");
        var file = Assert.Single(Directory.GetFiles(folder["pki/rejected/certs"]));
        Assert.Contains(Path.GetFileName(file), subscriber.State.Text, StringComparison.Ordinal);
        File.Move(file, Path.Combine(folder["pki/trusted/certs"], Path.GetFileName(file)));
        await subscriber.ReadyAsync(books, All.Count);
        Assert.Single(subscriber.Log.Lines, l => l.Text.Contains("No connection", StringComparison.Ordinal));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Keys_are_renewed_while_data_flows()
    {
        const int changes = 4_000;
        var client = plant.Client(secure: true) with { ChannelLifetime = TimeSpan.FromSeconds(2) };
        var books = new Books();
        await using var subscriber = new RunningSubscriber(client, new TestHost(books, All));
        await subscriber.ReadyAsync(books, All.Count);
        var before = PlantLog.Count(plant.Server);
        await plant.Server.ChangeAsync(1_000, changes);
        await subscriber.HasAllAsync(books, plant.Server, before);
        Assert.Equal(0, subscriber.State.Reconnects);
        var renewals = subscriber.Log.Lines.Count(l => l.Text.Contains("keys were renewed", StringComparison.Ordinal));
        Assert.True(renewals >= 2, subscriber.Log.ToString());
    }

    private static bool IsPublishResponse(ReadOnlySpan<byte> chunk) =>
        chunk.StartsWith("MSGF"u8) && chunk.Length > 28 && chunk[24..28].SequenceEqual(new byte[] { 1, 0, 0x3D, 0x03 });

    private static void Abort(Span<byte> chunk)
    {
        chunk[3] = (byte)'A';
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[24..], StatusCodes.BadEncodingLimitsExceeded.Value);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[28..], chunk.Length - 32);
        chunk[32..].Fill((byte)'x');
    }

    /// <summary>
    /// A first process that is killed while changes go on: from one moment to the next nothing of it reaches the server or its disk.
    /// </summary>
    /// <returns>The length of the server's log before the changes began.</returns>
    private async Task<int> KillInTheMiddleAsync(Relay relay, bool secure, int changes, Books books, bool lies)
    {
        var first = new RunningSubscriber(plant.Client(secure, relay.EndpointUrl), new TestHost(books, All));
        await first.ReadyAsync(books, All.Count);
        var before = PlantLog.Count(plant.Server);
        first.Host.Lies = lies;
        await plant.Server.StartChangesAsync(2_000, changes);
        await first.UntilAsync(() => books.Count >= All.Count + (changes / 4), "some changes");
        first.Host.CloseGate();
        await first.UntilAsync(() => first.Host.Open >= 8, "notifications that are not durable");
        relay.IsFrozen = true;
        first.Host.IsDead = true;
        first.Host.OpenGate();
        await first.DisposeAsync();
        relay.Cut();
        relay.IsFrozen = false;
        return before;
    }
}
