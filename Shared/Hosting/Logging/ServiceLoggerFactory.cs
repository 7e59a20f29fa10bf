using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>Puts a service's id in front of the category of each logger.</summary>
internal sealed class ServiceLoggerFactory(ILoggerFactory inner, string serviceId) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => inner.CreateLogger($"{serviceId}/{LogLine.ShortCategory(categoryName)}");

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public void Dispose()
    {
        // The inner factory belongs to the process and serves other services too.
    }
}
