using Microsoft.Extensions.Logging;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// Where a source's subscription is remembered, so that the next process takes it over instead of making a new one: without it, what the
/// plant changes while no collector lives would be lost. It holds the session's secret, so its folder is for the service alone.
/// </summary>
internal sealed partial class SubscriptionStateFile(IStorage storage, string folder, string source, ILogger logger)
{
    private const string FolderName = ".sources";
    private const string Extension = ".subscription";
    private const int MaxBytes = 256 * 1024 * 1024;

    private readonly string _folder = Path.Combine(folder, FolderName);

    /// <summary>The file.</summary>
    public string FilePath => Path.Combine(_folder, Uri.EscapeDataString(source) + Extension);

    /// <summary>What was saved last; null when there is nothing, or nothing that can be read.</summary>
    public ReadOnlyMemory<byte>? Load()
    {
        var read = StorageFiles.ReadAll(storage, FilePath, MaxBytes);
        if (read.IsOk)
        {
            return read.Value;
        }

        if (!read.Error.IsNotFound)
        {
            Unreadable(logger, source, read.Error.ToString());
        }

        return null;
    }

    /// <summary>Saves durably.</summary>
    /// <returns>False when it can't be saved; the log says why.</returns>
    public bool Save(ReadOnlyMemory<byte> state)
    {
        var done = storage.CreatePrivateFolder(_folder);
        if (done.IsOk)
        {
            done = StorageFiles.WriteDurably(storage, FilePath, state.Span);
        }

        if (!done.IsOk)
        {
            NotSaved(logger, source, done.Error.ToString());
        }

        return done.IsOk;
    }

    [LoggerMessage(1120, LogLevel.Warning, "source {Source}: the subscription of the process before can't be read and is made anew: {Error}")]
    private static partial void Unreadable(ILogger logger, string source, string error);

    [LoggerMessage(1121, LogLevel.Error, "source {Source}: the subscription can't be remembered, a restart would make a new one: {Error}")]
    private static partial void NotSaved(ILogger logger, string source, string error);
}
