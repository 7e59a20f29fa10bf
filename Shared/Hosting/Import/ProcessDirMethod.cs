using System.Text.Json;
using ZfRepl.Core.Import;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Progress;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>The methods <c>process_dir</c> and <c>process.list</c>, the same for every role that imports.</summary>
public static class ProcessDirMethod
{
    /// <summary>Adds them.</summary>
    /// <param name="methods">The service's methods.</param>
    /// <param name="import">What imports a folder.</param>
    /// <param name="time">The clock.</param>
    public static void Add(RpcMethods methods, FolderImport import, TimeProvider time)
    {
        var runs = new FolderRuns(import, time);
        methods.Add(
            "process_dir",
            "imports the blocks of a local folder",
            [
                new RpcParameter("path", RpcType.String, "the folder", IsRequired: true),
                new RpcParameter("node", RpcType.String, "the node that collected the blocks, any if that is not important", IsRequired: true),
                new RpcParameter("delete", RpcType.Bool, "deletes blocks that were fully imported, and moves damaged ones into quarantine"),
            ],
            (call, cancellationToken) => RunAsync(runs, call, cancellationToken));
        methods.Add(
            "process.list",
            "lists the imports of folders: the latest that are over, and those that run, with how far they are",
            [],
            (_, _) => Task.FromResult(RpcResult.List(runs.All, Write)));
    }

    private static async Task<RpcResult> RunAsync(FolderRuns runs, RpcCall call, CancellationToken cancellationToken)
    {
        var path = call.String("path");
        if (CallPath.Refuse("path", path) is { } refusal)
        {
            return refusal;
        }

        if (File.Exists(path))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"path: {path} is a file; name the folder that it is in");
        }

        var node = call.String("node");
        if (TransferTopics.CheckNodeName(node) is { } bad)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"node: '{OutsideText.Show(node)}' is no name of a node: {bad}; any takes blocks of all nodes");
        }

        var request = new FolderImportRequest(path, node, call.BoolOrNull("delete") ?? false);
        if (await runs.RunAsync(request, cancellationToken) is not { } done)
        {
            return RpcResult.Error(RpcErrorCode.Busy, $"path: {OutsideText.Show(path)} is being imported at this moment; process.list shows how far it is");
        }

        if (!done.IsOk)
        {
            return done.Error.IsNotFound && !Directory.Exists(path)
                ? RpcResult.Error(RpcErrorCode.NotFound, $"path: there is no folder {OutsideText.Show(path)} on the machine of this service")
                : RpcResult.Error(done.Error.IsNotFound ? RpcErrorCode.NotFound : RpcErrorCode.Io, $"path: {done.Error}");
        }

        return done.Value.StoppedBy is { } stop
            ? RpcResult.Error(RpcErrorCode.NotReady, $"{stop.Reason} ({stop.Remedy}); what was imported until then is kept, call again")
            : RpcResult.Write(json => Write(json, done.Value));
    }

    private static void Write(Utf8JsonWriter json, FolderRun run)
    {
        json.WriteStartObject();
        json.WriteString("path", run.Request.Path);
        json.WriteString("node", run.Request.Node);
        json.WriteString("state", run.State);
        json.WriteString("started", UnixTime.FormatIso(run.StartedNs));
        if (run.EndedNs > 0)
        {
            json.WriteString("ended", UnixTime.FormatIso(run.EndedNs));
        }

        if (run.Progress is { } progress)
        {
            json.WriteNumber("done_files", progress.Done);
            json.WriteNumber("total_files", progress.Total);
            json.WriteNumber("done_bytes", progress.DoneBytes);
            json.WriteNumber("total_bytes", progress.TotalBytes);
            json.WriteNumber("events", progress.Counts.Events);
            json.WriteNumber("new_events", progress.Counts.Inserted);
            json.WriteNumber("percent", progress.TotalBytes == 0 ? 100 : (long)(100.0 * progress.DoneBytes / progress.TotalBytes));
            json.WriteString("last_file", progress.File?.Name);
        }

        WorkRateJson.Write(json, run.Rate);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, FolderImportReport report)
    {
        json.WriteStartObject();
        json.WriteNumber("applied", report.Applied);
        json.WriteNumber("already_applied", report.AlreadyApplied);
        json.WriteNumber("partial", report.Partial);
        json.WriteNumber("refused", report.Refused);
        json.WriteNumber("events", report.Counts.Events);
        json.WriteNumber("new_events", report.Counts.Inserted);
        json.WriteStartArray("files");
        foreach (var file in report.Files)
        {
            json.WriteStartObject();
            json.WriteString("name", file.Name);
            json.WriteString("outcome", JsonNamingPolicy.SnakeCaseLower.ConvertName(file.Outcome?.GetType().Name ?? "Foreign"));
            json.WriteString("fate", JsonNamingPolicy.SnakeCaseLower.ConvertName(file.Fate.ToString()));
            json.WriteString("detail", file.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
