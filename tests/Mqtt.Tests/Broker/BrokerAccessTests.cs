using System.Collections.Concurrent;
using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Tests.Broker;

public sealed class BrokerAccessTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    [Fact]
    public async Task What_the_access_list_forbids_is_refused_so_that_the_client_knows()
    {
        await using var broker = StartWithList();
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "a");
        await peer.SendAsync("32 06 0001 78 0001 00   32 06 0001 6F 0002 00   30 04 0001 78 00");
        Assert.Equal("4003000187", await peer.ReadAsync());
        Assert.Equal("4003000210", await peer.ReadAsync());
        await peer.SendAsync("82 11 0003 00 0001 23 00 0003 6F2F23 00 0001 78 00");
        Assert.Equal("900600030087" + "0087", await peer.ReadAsync());
        Assert.Equal(2, broker.Broker.Statistics.DroppedNotAuthorized);

        // 3.1.1 has no refusal for a publication: an acknowledgment would be a lie, so the connection ends.
        using var old = await RawPeer.JoinAsync(broker.Port, V311, "b");
        await old.SendAsync("30 03 0001 78   32 05 0001 6F 0001");
        Assert.Equal("40020001", await old.ReadAsync());
        await old.SendAsync("32 05 0001 78 0002");
        Assert.Equal("closed", await old.ReadAsync());

        // The will is judged at once.
        using var rude = await RawPeer.ConnectAsync(broker.Port);
        await rude.SendAsync("10 13 0004 4D515454 04 06 0000 0001 63 0001 78 0001 79");
        Assert.Equal("20020005", await rude.ReadAsync());
    }

    [Fact]
    public async Task The_client_reports_refusals_of_our_broker()
    {
        await using var broker = StartWithList();
        await using var client = TestClient.Start(broker.Port);
        await client.ConnectedAsync();
        Assert.Equal(new MqttPublishResult(MqttPublishStatus.Refused, MqttReasonCode.NotAuthorized), await client.Client.PublishAsync("x", default));
        var result = await client.Client.SubscribeAsync([new MqttSubscription("o"), new MqttSubscription("x")]);
        Assert.Equal([MqttReasonCode.GrantedQoS1, MqttReasonCode.NotAuthorized], result.ReasonCodes);
        Assert.False(result.IsSuccess);
    }

    [Fact]
    public async Task A_verifier_decides_and_the_access_list_hears_of_verified_users_only()
    {
        var asked = new ConcurrentQueue<MqttAccess>();
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            Verifier = login => login.UserName == "u" && login.Password.Span.SequenceEqual("p"u8),
            Authorize = access =>
            {
                asked.Enqueue(access);
                return true;
            },
            Log = log,
        });
        await using var client = Login(broker.Port, "u", "p");
        await client.ConnectedAsync();
        await client.PublishAsync("t", "x");
        Assert.Equal([new MqttAccess("id-u", "u", MqttAccessKind.Publish, "t")], asked);

        await using var wrong = Login(broker.Port, "u", "q");
        var refused = await wrong.StateAsync(MqttClientState.Refused);
        Assert.Equal(MqttReasonCode.BadUserNameOrPassword, refused.ReasonCode);
    }

    [Fact]
    public async Task An_anonymous_client_has_no_user_name_whatever_it_claims()
    {
        MqttAccess? asked = null;
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            Authorize = access =>
            {
                asked = access;
                return true;
            },
            Log = log,
        });
        await using var client = Login(broker.Port, "admin", "x");
        await client.ConnectedAsync();
        await client.PublishAsync("t", "x");
        Assert.Null(asked?.UserName);
    }

    [Fact]
    public async Task Nobody_gets_the_session_of_another_user()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            Users = new Dictionary<string, string>
            {
                ["a"] = MqttPasswordHash.Create("1", 1_000),
                ["b"] = MqttPasswordHash.Create("2", 1_000),
            },
            Log = log,
        });
        using var first = await RawPeer.ConnectAsync(broker.Port);
        await first.SendAsync("10 13 0004 4D515454 04 C2 0000 0001 78 0001 61 0001 31");
        Assert.Equal("20020000", await first.ReadAsync());
        using var second = await RawPeer.ConnectAsync(broker.Port);
        await second.SendAsync("10 13 0004 4D515454 04 C2 0000 0001 78 0001 62 0001 32");
        Assert.Equal("20020002", await second.ReadAsync());
        await first.SendAsync("C0 00");
        Assert.Equal("D000", await first.ReadAsync());
    }

    [Fact]
    public void Password_hashes_verify_their_password_only()
    {
        var hash = MqttPasswordHash.Create("secret", 1_000);
        Assert.True(MqttPasswordHash.IsValid(hash));
        Assert.True(MqttPasswordHash.Verify("secret"u8, hash));
        Assert.False(MqttPasswordHash.Verify("Secret"u8, hash));
        Assert.False(MqttPasswordHash.Verify(""u8, hash));
        Assert.NotEqual(hash, MqttPasswordHash.Create("secret", 1_000));
        Assert.Throws<ArgumentException>(() => MqttPasswordHash.Create(""));
        Assert.Throws<ArgumentOutOfRangeException>(() => MqttPasswordHash.Create("x", 10));
    }

    [Fact]
    public void A_hash_made_elsewhere_by_the_same_rule_is_understood() =>

        // hashlib.pbkdf2_hmac("sha512", b"secret", bytes(range(16)), 1000, 32)
        Assert.True(MqttPasswordHash.Verify("secret"u8, "pbkdf2-sha512$1000$AAECAwQFBgcICQoLDA0ODw==$8ltlLe5cI6KNrWOmMFkTi2iE7fEXJKJJR9lhjd/xSn4="));

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("pbkdf2-sha512$1000$AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("pbkdf2-sha512$999999999$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("pbkdf2-sha512$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("pbkdf2-sha512$1000$!$AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("pbkdf2-sha512$1000$AAAA$AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("md5$1000$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==")]
    public void Something_else_is_not_a_hash(string text)
    {
        Assert.False(MqttPasswordHash.IsValid(text));
        Assert.False(MqttPasswordHash.Verify("secret"u8, text));
    }

    private static TestBroker StartWithList() => TestBroker.Start(log => new MqttBrokerOptions
    {
        Listeners = [TestBroker.Plain],
        AllowAnonymous = true,
        Authorize = access => MqttTopic.Covers("o/#", access.Topic),
        Log = log,
    });

    private static TestClient Login(int port, string user, string password) => TestClient.Start((messages, states) => new MqttClientOptions
    {
        Hosts = [new MqttHost("127.0.0.1", port)],
        ClientId = "id-" + user,
        UserName = user,
        Password = password,
        MessageHandler = messages,
        StateHandler = states,
    });
}
