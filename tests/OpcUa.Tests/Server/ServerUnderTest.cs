using System.Globalization;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Our server on a free loopback port, with a plant of variables.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    public const string User = "operator";
    public const string Password = "pässword 1";

    private readonly TempFolder _folder = new();

    private ServerUnderTest(Func<UaServerOptions, UaServerOptions>? change, TimeProvider time)
    {
        Options = new UaServerOptions
        {
            ApplicationUri = TestCertificates.ServerUri,
            Certificate = TestCertificates.Server(),
            Validator = new CertificateValidator(
                new PkiFolder(_folder["pki"], TimeProvider.System), new CertificateValidatorOptions { AcceptAnyForTests = true }, TimeProvider.System),
            Endpoints =
            [
                (SecurityPolicy.None, MessageSecurityMode.None),
                (SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign),
                (SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt),
                (SecurityPolicy.Aes256Sha256RsaPss, MessageSecurityMode.SignAndEncrypt),
            ],
            Users = new Dictionary<string, string> { [User] = Password },
        };
        Options = change?.Invoke(Options) ?? Options;
        Server = new UaServer(Options, Log, time);
        Plant = Server.AddressSpace.AddFolder("Plant");
    }

    public UaServerOptions Options { get; }

    public ListLogger Log { get; } = new();

    public UaServer Server { get; }

    public NodeId Plant { get; }

    public int Port { get; private set; }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"opc.tcp://127.0.0.1:{Port}/plant");

    public static async Task<ServerUnderTest> StartAsync(Func<UaServerOptions, UaServerOptions>? change = null, TimeProvider? time = null)
    {
        var server = new ServerUnderTest(change, time ?? TimeProvider.System);
        var started = await server.Server.StartAsync(default);
        Assert.True(started.IsOk, started.Error?.ToString());
        server.Port = started.Value;
        return server;
    }

    /// <summary>Adds ns=1;s=V0 and so on.</summary>
    public Variable[] AddVariables(int count, bool isWritable = false) =>
        [.. Enumerable.Range(0, count).Select(i => Add("V" + i.ToString(CultureInfo.InvariantCulture), new Variant(0L), isWritable))];

    public Variable Add(string name, Variant value, bool isWritable = false) =>
        Server.AddressSpace.AddVariable(Plant, name, new NodeId(1, name), At(value, 0), isWritable);

    /// <summary>A good value with a source time that is different for each number.</summary>
    public static DataValue At(Variant value, long number, StatusCode status = default) =>
        new DataValue(value, status, new UaDateTime(134_000_000_000_000_000 + number)) with
        {
            SourcePicoseconds = (ushort)(number % 10_000),
            Fields = DataValueFields.Value | DataValueFields.SourceTimestamp | DataValueFields.SourcePicoseconds
                | (status == StatusCode.Good ? DataValueFields.None : DataValueFields.Status),
        };

    public async ValueTask DisposeAsync()
    {
        var completion = Server.Completion;
        await Server.DisposeAsync();
        await completion;
        Assert.DoesNotContain(Log.Lines, l => l.Level == Microsoft.Extensions.Logging.LogLevel.Error);
        _folder.Dispose();
    }
}
