using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Starting, stopping, and who is let in.</summary>
public sealed class ServerStartTests
{
    [Fact]
    public async Task A_port_that_is_taken_and_options_without_sense_are_errors()
    {
        await using var server = await ServerUnderTest.StartAsync();
        Assert.Equal(StatusCodes.BadCommunicationError, await StartAsync(new UaServerOptions { Port = server.Port }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(new UaServerOptions { Endpoints = [] }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(new UaServerOptions { SessionsMax = 0 }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(new UaServerOptions { AllowAnonymous = false }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(server.Options with { Validator = null }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(server.Options with { Certificate = null }));
        Assert.Equal(StatusCodes.BadConfigurationError, await StartAsync(server.Options with { ApplicationUri = "urn:another" }));
        Assert.Equal(StatusCode.Good, await StartAsync(new UaServerOptions()));

        static async Task<StatusCode> StartAsync(UaServerOptions options)
        {
            await using var other = new UaServer(options, NullLogger.Instance, TimeProvider.System);
            return (await other.StartAsync(default)).Error?.Status ?? StatusCode.Good;
        }
    }

    [Fact]
    public async Task Stopping_ends_the_connections_and_frees_the_port()
    {
        var server = await ServerUnderTest.StartAsync();
        server.AddVariables(1);
        await using var client = await PipeClient.SessionAsync(server, TestCertificates.Client());
        await client.MonitorAsync(await client.SubscribeAsync(), ["ns=1;s=V0"], samplingInterval: 10);
        await client.PublishAsync();
        await server.DisposeAsync();
        var kind = IncomingKind.Message;
        while (kind == IncomingKind.Message)
        {
            kind = (await client.ReceiveAsync()).Kind;
        }

        Assert.Equal(IncomingKind.Failed, kind);
        await using var next = await ServerUnderTest.StartAsync(o => o with { Port = server.Port });
        Assert.Equal(server.Port, next.Port);
    }

    [Fact]
    public async Task A_client_whose_certificate_is_not_trusted_gets_no_channel_until_it_is()
    {
        using var folder = new TempFolder();
        var pki = new PkiFolder(folder["pki"], TimeProvider.System);
        var validator = new CertificateValidator(pki, new CertificateValidatorOptions(), TimeProvider.System);
        await using var server = await ServerUnderTest.StartAsync(o => o with { Validator = validator });
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => PipeClient.OpenAsync(server, TestCertificates.Client()));
        await Eventually.TrueAsync(
            () => server.Log.Lines.Any(l => l.Text.Contains("not in the trust list", StringComparison.Ordinal)), "the refusal is logged");
        using (var own = TestCertificates.AsPeer(TestCertificates.Client()))
        {
            Assert.Null(pki.Trust(own));
        }

        await using var client = await PipeClient.SessionAsync(server, TestCertificates.Client());
        Assert.Equal(StatusCodes.BadNothingToDo, await client.ResultAsync(new ReadRequest()));
    }

    [Fact]
    public async Task An_unprotected_channel_serves_discovery_only_when_no_such_endpoint_is_offered()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with
        {
            Endpoints = [(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt)],
        });
        await using var client = await PipeClient.OpenAsync(server);
        var found = await client.RequestAsync<GetEndpointsRequest, GetEndpointsResponse>(new() { EndpointUrl = "opc.tcp://plant.example:1/other" });
        var endpoint = Assert.Single(found.Endpoints);
        Assert.Equal($"opc.tcp://plant.example:{server.Port}/plant", endpoint.EndpointUrl);
        Assert.Equal([UserTokenType.Anonymous, UserTokenType.UserName], endpoint.UserIdentityTokens.Select(t => t.TokenType));
        var servers = await client.RequestAsync<FindServersRequest, FindServersResponse>(new FindServersRequest());
        Assert.Equal(TestCertificates.ServerUri, Assert.Single(servers.Servers).ApplicationUri);
        Assert.Equal(StatusCodes.BadSecurityPolicyRejected, await client.ResultAsync(client.SessionRequest()));
    }

    [Fact]
    public async Task A_session_needs_a_good_nonce_its_own_certificate_and_its_own_name()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var client = await PipeClient.OpenAsync(server, TestCertificates.Client());
        var good = client.SessionRequest();
        Assert.Equal(StatusCodes.BadNonceInvalid, await client.ResultAsync(Request(good, [], good.ClientCertificate, TestCertificates.ClientUri)));
        Assert.Equal(
            StatusCodes.BadCertificateInvalid,
            await client.ResultAsync(Request(good, good.ClientNonce, TestCertificates.Server().RawData, TestCertificates.ClientUri)));
        Assert.Equal(
            StatusCodes.BadCertificateUriInvalid, await client.ResultAsync(Request(good, good.ClientNonce, good.ClientCertificate, "urn:another")));
        Assert.Equal(
            StatusCodes.BadInvalidArgument,
            await client.ResultAsync(Request(good, good.ClientNonce, good.ClientCertificate, new string('x', 5000))));

        static CreateSessionRequest Request(CreateSessionRequest good, byte[]? nonce, byte[]? certificate, string uri) => new()
        {
            ClientDescription = new ApplicationDescription { ApplicationUri = uri },
            EndpointUrl = good.EndpointUrl,
            ClientNonce = nonce,
            ClientCertificate = certificate,
            RequestedSessionTimeout = 1000,
        };
    }

    [Fact]
    public async Task Values_of_any_type_travel_bit_for_bit_by_read_and_by_subscription()
    {
        const int count = 300;
        await using var server = await ServerUnderTest.StartAsync();
        var any = new AnyValue(4711);
        var values = Enumerable.Range(0, count).Select(_ => any.DataValue()).ToArray();
        var variables = values.Select((value, i) => server.Add($"A{i}", value.Value)).ToArray();
        await using var client = await PipeClient.SessionAsync(server, TestCertificates.Client());
        var subscription = await client.SubscribeAsync();
        var names = variables.Select(v => v.NodeId.ToString()).ToArray();
        await client.MonitorAsync(subscription, names, mode: MonitoringMode.Reporting);
        foreach (var (variable, value) in variables.Zip(values))
        {
            variable.Set(value);
        }

        var read = await client.RequestAsync<ReadRequest, ReadResponse>(new ReadRequest
        {
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead = [.. names.Select(n => new ReadValueId { NodeId = NodeId.Parse(n) })],
        });
        var reported = new DataValue?[count];
        var acknowledge = Array.Empty<(uint, uint)>();
        while (Array.Exists(Enumerable.Range(0, count).ToArray(), i => reported[i] is not { } got || !Same(values[i], got)))
        {
            var next = await client.NextAsync(acknowledge);
            Assert.NotEmpty(next.NotificationMessage.NotificationData);
            acknowledge = [(subscription, next.NotificationMessage.SequenceNumber)];
            foreach (var change in PipeClient.Changes(next.NotificationMessage))
            {
                reported[change.ClientHandle] = change.Value;
            }
        }

        for (var i = 0; i < count; i++)
        {
            Assert.True(Same(values[i], read.Results[i]), $"{values[i]} was read as {read.Results[i]}");
        }
    }

    /// <summary>Equal on the wire, but for the server's time where none was given.</summary>
    private static bool Same(DataValue set, DataValue got)
    {
        var hasTime = (set.Fields & DataValueFields.ServerTimestamp) != DataValueFields.None;
        return Bytes(hasTime ? set : set.WithServerTimestamp(got.ServerTimestamp)).AsSpan().SequenceEqual(Bytes(got));
    }

    private static byte[] Bytes(DataValue value)
    {
        using var writer = new UaWriter();
        writer.WriteDataValue(value);
        return writer.WrittenSpan.ToArray();
    }
}
