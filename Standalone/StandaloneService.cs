using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.History;
using ZfRepl.Hosting.Import;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Standalone;

/// <summary>Imports blocks that somebody carried here: a history database, and the method <c>process_dir</c>.</summary>
public sealed class StandaloneService(StandaloneOptions options, IStorage storage) : IService
{
    private const int MaxMissingListed = 100;

    /// <inheritdoc/>
    public string Id => options.Id;

    /// <inheritdoc/>
    public string Description => $"imports hand-carried blocks on node {options.Node}";

    /// <inheritdoc/>
    public async Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop)
    {
        if (options.JsonLinesPath is { } linesPath)
        {
            var folder = storage.CreateFolder(Path.GetDirectoryName(linesPath)!);
            if (!folder.IsOk)
            {
                return new ServiceFailure(ExitCode.Failed, folder.Error.ToString(), folder.Error.Remedy);
            }
        }

        var quarantine = Quarantine.Open(storage, options.QuarantinePath, context.Time);
        if (!quarantine.IsOk)
        {
            return new ServiceFailure(ExitCode.Failed, quarantine.Error.ToString(), quarantine.Error.Remedy);
        }

        var opened = await HistoryDatabases.OpenAsync(options.History, stop);
        if (!opened.IsOk)
        {
            return new ServiceFailure(ExitCode.Failed, opened.Error.Detail, opened.Error.Remedy);
        }

        await using var history = opened.Value;
        var lines = options.JsonLinesPath is { } path ? JsonLinesSink.Open(storage, path) : (StorageResult<JsonLinesSink>?)null;
        if (lines is { IsOk: false } bad)
        {
            return new ServiceFailure(ExitCode.Failed, bad.Error.ToString(), bad.Error.Remedy);
        }

        using var sink = lines?.Value;
        using var importer = new BlockImporter(
            storage, history, sink is null ? [] : [sink], context.Time, new BlockImporterOptions { Quarantine = quarantine.Value });
        ProcessDirMethod.Add(context.Methods, new FolderImport(storage, importer, quarantine.Value), context.Time);
        QuarantineMethods.Add(context.Methods, quarantine.Value, (entry, token) => ImportRetry.RunAsync(importer, entry, token));
        LossListMethod.Add(context.Methods, history);
        BlockVerifyMethod.Add(context.Methods, storage);
        context.Methods.Add("status", "gives the books of the imported streams", [], (_, token) => StatusAsync(history, token));
        context.SignalReady();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(end.SetResult);
        await end.Task;
        return null;
    }

    private async Task<RpcResult> StatusAsync(IHistoryDatabase history, CancellationToken cancellationToken)
    {
        var streams = await history.ReadStreamsAsync(only: null, MaxMissingListed, cancellationToken);
        return streams.IsOk
            ? RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("role", "standalone");
                json.WriteString("node", options.Node);
                StreamAccountJson.Write(json, streams.Value);
                json.WriteEndObject();
            })
            : RpcResult.Error(RpcErrorCode.NotReady, streams.Error.ToString());
    }
}
