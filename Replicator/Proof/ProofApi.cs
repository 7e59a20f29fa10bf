using System.Security.Cryptography;
using System.Text.Json;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Proof;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Proof;

/// <summary>The methods of the proof at the target: proof.start, proof.state, proof.cancel and proof.key.</summary>
internal sealed class ProofApi(IReadOnlyList<ProofSource> sources, Func<StorageResult<ProofKey>> key, ProofJobs jobs, TimeProvider time)
{
    private const double DefaultWait = 5;

    private static readonly RpcParameter JobId = new("id", RpcType.String, "what proof.start gave", IsRequired: true);

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add(
            "proof.start",
            "begins a proof that nothing of a node was lost; gives its id",
            [
                new RpcParameter("i", RpcType.String, "node name", IsRequired: true),
                new RpcParameter("t_start", RpcType.Time, "first time compared, default a day before t_end"),
                new RpcParameter("t_end", RpcType.Time, "last time compared, default now"),
                new RpcParameter("repair", RpcType.Bool, "true has the node fill what is missing, and looks again; default false"),
            ],
            (call, _) => Task.FromResult(Start(call)));
        methods.Add(
            "proof.state",
            "tells how far a proof is, and gives it when it is done; waits until there is news",
            [
                JobId,
                new RpcParameter("after", RpcType.Integer, "the version that the last answer gave; without it the answer comes at once"),
                new RpcParameter("timeout", RpcType.Double, "longest wait in seconds, default 5") { Minimum = 0, Maximum = 60 },
            ],
            StateAsync);
        methods.Add("proof.cancel", "ends a proof that is being made", [JobId], (call, _) => Task.FromResult(Cancel(call)));
        methods.Add("proof.key", "gives the public key that proofs are signed with", [], (_, _) => Task.FromResult(ProofKeyMethod.Answer(key())));
    }

    private RpcResult Start(RpcCall call)
    {
        var node = call.String("i");
        if (sources.FirstOrDefault(s => s.Source == node) is not { } source)
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"i: nothing is fetched from a node {OutsideText.Show(node)} directly; client.mailboxes names those that are. A node whose blocks come through another one: prove it at the node that fetches from it");
        }

        var wish = new ProofWish(ToNs(call.TimeOrNull("t_start")), ToNs(call.TimeOrNull("t_end")), call.BoolOrNull("repair") ?? false);
        if (wish is { FromNs: { } from, ToNs: { } to } && from > to)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"t_end: {UnixTime.FormatIso(to)} is before t_start, {UnixTime.FormatIso(from)}: swap them");
        }

        var opened = key();
        if (!opened.IsOk)
        {
            return RpcResult.Error(RpcErrorCode.Io, $"the key for signing can't be used: {opened.Error}");
        }

        var job = new ProofJob(
            RandomNumberGenerator.GetHexString(16, lowercase: true),
            (report, token) => new ProofRun(source, wish, opened.Value, time, report).RunAsync(token));
        if (jobs.TryAdd(job))
        {
            return RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("id", job.Id);
                json.WriteEndObject();
            });
        }

        job.Dispose();
        return RpcResult.Error(RpcErrorCode.Busy, "too many proofs are being made; ask again later");
    }

    private async Task<RpcResult> StateAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (jobs.Find(call.String("id")) is not { } job)
        {
            return NoJob(call);
        }

        if (call.Int64OrNull("after") is { } after)
        {
            using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var limit = TimeSpan.FromSeconds(call.DoubleOrNull("timeout") ?? DefaultWait);
            await Task.WhenAny(job.ChangedSince(after), Task.Delay(limit, time, done.Token));
            await done.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return RpcResult.Write(json => Write(json, job));
    }

    private RpcResult Cancel(RpcCall call)
    {
        if (jobs.Find(call.String("id")) is not { } job)
        {
            return NoJob(call);
        }

        job.Cancel();
        return RpcResult.Empty;
    }

    private static void Write(Utf8JsonWriter json, ProofJob job)
    {
        json.WriteStartObject();
        json.WriteNumber("version", job.Version);
        json.WriteString("doing", job.Progress.Doing);
        json.WriteNumber("done", job.Progress.Done);
        json.WriteNumber("total", job.Progress.Total);
        json.WriteString("proof", job.Proof?.Text);
        if (job.Trouble is { } trouble)
        {
            json.WriteStartObject("trouble");
            json.WriteBoolean("later", trouble.IsLater);
            json.WriteString("detail", trouble.Detail);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static RpcResult NoJob(RpcCall call) =>
        RpcResult.Error(RpcErrorCode.NotFound, $"id: there is no proof {OutsideText.Show(call.String("id"))}: it is done and forgotten, or the service was started anew");

    private static long? ToNs(DateTimeOffset? instant) =>
        instant is not { } given ? null
        : given.ToUnixTimeSeconds() >= long.MaxValue / UnixTime.NsPerSecond ? long.MaxValue
        : UnixTime.FromDateTimeOffset(given);
}
