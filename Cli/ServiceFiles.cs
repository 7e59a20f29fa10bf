using Microsoft.Extensions.Logging;
using ZfRepl.Collector;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Replicator;
using ZfRepl.Replicator.Broker;
using ZfRepl.Standalone;

namespace ZfRepl.Cli;

/// <summary>A service file that was read: the service it describes, if nothing is wrong with it.</summary>
/// <param name="Document">The file with everything that was found.</param>
/// <param name="Service">The service, or null when there are errors.</param>
/// <param name="LogLevel">The log level that the file asks for.</param>
internal sealed record LoadedService(ConfigDocument Document, HostedService? Service, LogLevel? LogLevel)
{
    /// <summary>What it is, in one line.</summary>
    public string Summary => Service is null ? "" : $"{Service.Service.Id}: {Service.Service.Description}";
}

/// <summary>Reads service files; the section decides the role.</summary>
internal static class ServiceFiles
{
    private static readonly string[] Roles = [CollectorBinder.Role, ReplicatorBinder.Role, StandaloneBinder.Role, BrokerBinder.Role];

    /// <summary>Reads one file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="baseFolder">Where relative paths start; null for the file's folder.</param>
    public static LoadedService Load(string path, string? baseFolder)
    {
        var document = ConfigDocument.Load(path, new ConfigOptions { BaseFolder = baseFolder });
        if (!document.IsValid)
        {
            return new LoadedService(document, null, null);
        }

        var file = ServiceFile.Read(document, Roles, TransferTopics.CheckNodeName, Environment.MachineName);
        Func<IService>? make = file.RoleSection is null ? null : file.Role switch
        {
            CollectorBinder.Role => Bound(CollectorBinder.Bind(file), o => new CollectorService(o, DiskStorage.Instance)),
            ReplicatorBinder.Role => Bound(ReplicatorBinder.Bind(file), o => new ReplicatorService(o, DiskStorage.Instance)),
            StandaloneBinder.Role => Bound(StandaloneBinder.Bind(file), o => new StandaloneService(o, DiskStorage.Instance)),
            BrokerBinder.Role => Bound(BrokerBinder.Bind(file), o => new BrokerService(o)),
            _ => null,
        };
        document.Finish();
        if (document.IsValid)
        {
            file.Folders.Check(DiskStorage.Instance);
        }

        var service = document.IsValid && make is not null ? new HostedService(make(), file.SocketFolder) : null;
        return new LoadedService(document, service, file.LogLevel);
    }

    /// <summary>Reads several files; two services of one id in one folder are an error of the later file.</summary>
    public static IReadOnlyList<LoadedService> LoadAll(IEnumerable<string> paths, string? baseFolder)
    {
        var loaded = paths.Select(p => Load(p, baseFolder)).ToList();
        var seen = new HashSet<(string Folder, string Id)>();
        foreach (var item in loaded)
        {
            if (item.Service is { } service && !seen.Add((service.SocketFolder, service.Service.Id)))
            {
                item.Document.Root.Error("id", $"another file describes the service {service.Service.Id} too", "give one of them another `id`");
            }
        }

        return loaded;
    }

    private static Func<IService> Bound<T>(T options, Func<T, IService> make) => () => make(options);
}
