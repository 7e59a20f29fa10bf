namespace ZfRepl.Hosting.Lifetime;

/// <summary>One service: what a configuration file describes and a socket speaks for.</summary>
public interface IService
{
    /// <summary>The service's id, unique in its folder of sockets; see <see cref="Rpc.ServiceSockets.IsServiceId"/>.</summary>
    string Id { get; }

    /// <summary>One sentence for <c>info</c>.</summary>
    string Description { get; }

    /// <summary>Does all of the service's work: opens what it needs, adds its methods, signals readiness, works, closes everything.</summary>
    /// <param name="context">What the host gives to the service, for the time of this call.</param>
    /// <param name="stop">Ends when the service is to stop; by then its callers have been turned away.</param>
    /// <returns>
    /// Null after a stop that was asked for, else why the service cannot start or go on; ending without a failure and without being
    /// asked counts as one. An exception is a defect. Both take the process down with a logged error and an exit code.
    /// </returns>
    Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop);
}
