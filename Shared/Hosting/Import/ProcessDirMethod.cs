using System.Text.Json;
using ZfRepl.Core.Import;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>The method <c>process_dir</c>, the same for every role that imports.</summary>
public static class ProcessDirMethod
{
    /// <summary>Adds it.</summary>
    /// <param name="methods">The service's methods.</param>
    /// <param name="import">What imports a folder.</param>
    public static void Add(RpcMethods methods, FolderImport import) => methods.Add(
        "process_dir",
        "imports the blocks of a local folder",
        [
            new RpcParameter("path", RpcType.String, "the folder", IsRequired: true),
            new RpcParameter("node", RpcType.String, "the node that collected the blocks, any if that is not important", IsRequired: true),
            new RpcParameter("delete", RpcType.Bool, "deletes blocks that were fully imported, and moves damaged ones into quarantine"),
        ],
        (call, cancellationToken) => RunAsync(import, call, cancellationToken));

    private static async Task<RpcResult> RunAsync(FolderImport import, RpcCall call, CancellationToken cancellationToken)
    {
        var path = call.String("path");
        if (!Path.IsPathFullyQualified(path))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"path: '{path}' is not absolute, and the service runs in another folder than you");
        }

        var request = new FolderImportRequest(path, call.String("node"), call.BoolOrNull("delete") ?? false);
        var done = await import.RunAsync(request, progress: null, cancellationToken);
        if (!done.IsOk)
        {
            return RpcResult.Error(done.Error.IsNotFound ? RpcErrorCode.NotFound : RpcErrorCode.Io, done.Error.ToString());
        }

        return done.Value.StoppedBy is { } stop
            ? RpcResult.Error(RpcErrorCode.NotReady, $"{stop.Reason} ({stop.Remedy}); what was imported until then is kept, call again")
            : RpcResult.Write(json => Write(json, done.Value));
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
