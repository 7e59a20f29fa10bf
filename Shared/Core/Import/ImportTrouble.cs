using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>Errors of what an import stands on → "try later".</summary>
internal static class ImportTrouble
{
    public static ImportOutcome.TryLater With(StorageError error) =>
        new(ImportObstacle.File, $"{error.Operation} {error.Path}: {error.Detail}", error.Remedy, NeedsOperator: !error.IsNoSpace);

    public static ImportOutcome.TryLater With(HistoryError error) =>
        new(ImportObstacle.History, error.Detail, error.Remedy, NeedsOperator: !error.IsTransient);

    public static ImportOutcome.TryLater With(SinkError error) =>
        new(ImportObstacle.Sink, error.Detail, error.Remedy, NeedsOperator: false);
}
