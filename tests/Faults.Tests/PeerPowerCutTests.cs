using System.Globalization;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using Xunit.Abstractions;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// The same cut under servers that others use to store and forward, as their packages configure them: what they had acknowledged is partly gone. So the
/// cut takes what is not synced, and <see cref="PowerCutTests"/> would see it.
/// </summary>
public sealed class PeerPowerCutTests(ITestOutputHelper output)
{
    private const int Messages = 500;

    [FaultTheory("mosquitto", "mosquitto_pub", "mosquitto_sub", "mkfs.ext4", "mkfs.xfs")]
    [InlineData("ext4", true)]
    [InlineData("xfs", true)]
    [InlineData("ext4", false)]
    public async Task A_cut_takes_what_mosquitto_has_acknowledged(string kind, bool isCut)
    {
        await using var disk = await LoopDisk.CreateAsync(kind);
        await using var broker = await MosquittoServer.StartAsync("persistence true", $"persistence_location {disk.Path}/");

        // The centre is known to the broker and away: whatever comes is kept for it.
        string[] centre = ["-c", "-i", "centre", "-q", "1", "-t", "plant"];
        await using (var subscribing = await MosquittoTools.SubscribeAsync(broker.Port, centre))
        {
            await subscribing.TerminateAsync();
        }

        var acknowledged = await PublishAsync(broker.Port);
        await StopAsync(disk, broker.Process, isCut);
        await broker.StartAgainAsync();
        await using var receiving = await MosquittoTools.SubscribeAsync(broker.Port, [.. centre, "-F", "got %p"]);
        await MosquittoTools.PublishAsync(broker.Port, "-q", "1", "-t", "plant", "-m", "end");
        await receiving.WaitForLineAsync("got end");
        var there = receiving.Output.Split('\n').Count(l => l.StartsWith("got ", StringComparison.Ordinal)) - 1;
        Report("mosquitto", kind, isCut, acknowledged, there);
    }

    [FaultTheory("nats-server", "mkfs.ext4", "mkfs.xfs")]
    [InlineData("ext4", true)]
    [InlineData("xfs", true)]
    [InlineData("ext4", false)]
    public async Task A_cut_takes_what_a_jetstream_has_acknowledged(string kind, bool isCut)
    {
        await using var disk = await LoopDisk.CreateAsync(kind);
        var port = FreePort.Next();
        long acknowledged = 0;
        var server = await StartNatsAsync(port, disk);
        await using (server)
        {
            await using var client = new NatsConnection(new NatsOpts { Url = Url(port) });
            var stream = new NatsJSContext(client);
            await stream.CreateStreamAsync(new StreamConfig("plant", ["plant"]) { Storage = StreamConfigStorage.File });
            for (; acknowledged < Messages; acknowledged++)
            {
                (await stream.PublishAsync("plant", Text(acknowledged))).EnsureSuccess();
            }

            await StopAsync(disk, server, isCut);
        }

        await using var again = await StartNatsAsync(port, disk);
        await using var asking = new NatsConnection(new NatsOpts { Url = Url(port) });
        Report("nats-server", kind, isCut, acknowledged, await CountAsync(new NatsJSContext(asking)));
    }

    private static async Task<long> PublishAsync(int port)
    {
        await using var publishing = ExternalProcess.Start(
            "stdbuf", ["-oL", ProgramLookup.Find("mosquitto_pub")!, "-d", "-h", "127.0.0.1", "-p", $"{port}", "-q", "1", "-t", "plant", "-l"]);
        for (var message = 0; message < Messages; message++)
        {
            await publishing.WriteLineAsync(Text(message));
            await publishing.WaitForLineAsync("received PUBACK");
        }

        return Messages;
    }

    private static async Task<ExternalProcess> StartNatsAsync(int port, LoopDisk disk)
    {
        var server = ExternalProcess.Start(
            ProgramLookup.Find("nats-server")!, ["-a", "127.0.0.1", "-p", $"{port}", "-js", "-sd", Path.Combine(disk.Path, "nats")]);
        await server.WaitForLineAsync("Server is ready");
        return server;
    }

    private static async Task<long> CountAsync(NatsJSContext context)
    {
        try
        {
            return (await context.GetStreamAsync("plant")).Info.State.Messages;
        }
        catch (NatsJSApiException e) when (e.Error.Code == 404)
        {
            // The stream itself is gone.
            return 0;
        }
    }

    /// <summary>Cuts the power; without it the server is stopped in order, which shows that nothing but the cut takes anything.</summary>
    private static async Task StopAsync(LoopDisk disk, ExternalProcess server, bool isCut)
    {
        if (isCut)
        {
            disk.CutPower();
            await server.KillAsync();
            await disk.RestorePowerAsync();
        }
        else
        {
            await server.TerminateAsync();
        }
    }

    private static string Url(int port) => $"nats://127.0.0.1:{port}";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Report(string peer, string kind, bool isCut, long acknowledged, long there)
    {
        output.WriteLine($"{peer}, {kind}, {(isCut ? "cut" : "stopped in order")}: {acknowledged - there} of {acknowledged} acknowledged messages are missing");
        Assert.InRange(acknowledged - there, isCut ? 1 : 0, isCut ? acknowledged : 0);
    }
}
