using System.Net;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>Who the collector is towards OPC UA servers: name, URI, certificate, trust list. One for all sources.</summary>
internal sealed class OpcUaApplication : IDisposable
{
    private readonly PkiFolder _pki;
    private readonly TimeProvider _time;

    private OpcUaApplication(string node, PkiFolder pki, TimeProvider time)
    {
        Name = $"ZfRepl collector {node}";
        Uri = $"urn:zfrepl:{System.Uri.EscapeDataString(node)}:collector";
        _pki = pki;
        _time = time;
    }

    public string Name { get; }

    public string Uri { get; }

    /// <summary>The certificate; null when no source needs one.</summary>
    public ApplicationCertificate? Certificate { get; private set; }

    /// <summary>Opens the certificate, or makes it on the first run.</summary>
    /// <param name="node">This node's name.</param>
    /// <param name="pkiPath">The folder of certificates.</param>
    /// <param name="needsCertificate">False when no source has a security policy.</param>
    /// <param name="time">For the dates of a new certificate.</param>
    /// <returns>The application; null with the reason when there is no certificate and none could be made.</returns>
    public static (OpcUaApplication? Application, string? Problem) Open(string node, string pkiPath, bool needsCertificate, TimeProvider time)
    {
        var application = new OpcUaApplication(node, new PkiFolder(pkiPath, time), time);
        if (!needsCertificate)
        {
            return (application, null);
        }

        var host = Dns.GetHostName();
        var own = application._pki.OpenOrCreateOwn(new CertificateRequestOptions
        {
            ApplicationName = application.Name,
            ApplicationUri = application.Uri,
            HostNames = string.IsNullOrEmpty(host) ? [] : [host],
        });
        application.Certificate = own.Certificate;
        return own.Certificate is null ? (null, own.Problem) : (application, own.Problem);
    }

    /// <summary>Judges servers' certificates.</summary>
    public CertificateValidator Validator(bool acceptAny) =>
        new(_pki, new CertificateValidatorOptions { AcceptAnyForTests = acceptAny }, _time);

    public void Dispose() => Certificate?.Dispose();
}
