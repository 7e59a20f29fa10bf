using System.Buffers;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// Requests to one InfluxDB server. Redirects are not followed, proxies of the environment not used, answers bounded. Thread-safe.
/// </summary>
internal sealed class InfluxConnection : IDisposable
{
    /// <summary>The largest document of an answer. Answers come as many documents of a bounded number of rows.</summary>
    public const int MaxDocumentBytes = 256 * 1024 * 1024;

    private const int MaxErrorBytes = 16 * 1024;
    private const int RowsPerDocument = 500;

    private readonly HttpClient _http;
    private readonly string _name;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly Uri _writeUrl;
    private readonly Uri _queryUrl;
    private readonly bool _compresses;

    private InfluxConnection(InfluxHistoryOptions options, TimeProvider time, X509Certificate2Collection? authorities)
    {
        _name = options.ToString();
        _timeout = options.RequestTimeout;
        _time = time;
        _compresses = options.Compresses ?? !options.Url.IsLoopback;
        var policy = options.RetentionPolicy is { } name ? $"&rp={Uri.EscapeDataString(name)}" : "";
        var root = options.Url.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _writeUrl = new Uri($"{root}/write?db={Uri.EscapeDataString(options.Database)}{policy}&precision=ns");
        _queryUrl = new Uri($"{root}/query");
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 64,
        };
        if (authorities is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(authorities) };
        }

        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        if (options.Username is { } user)
        {
            var login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{options.Password}"));
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", login);
        }
    }

    /// <summary>Makes the connection ready; nothing is sent yet.</summary>
    public static HistoryResult<InfluxConnection> Open(InfluxHistoryOptions options, TimeProvider time)
    {
        try
        {
            return new InfluxConnection(options, time, options.CaFile is { } file ? ReadAuthorities(file) : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return InfluxErrors.Broken($"{options}: the certificates in {options.CaFile} can't be used: {e.Message}.", "check `ca_certs`");
        }
    }

    /// <summary>Writes lines; when it returns true the server has acknowledged all of them.</summary>
    public async Task<HistoryResult<bool>> WriteAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _writeUrl);
        request.Content = _compresses ? Compress(lines) : new ReadOnlyMemoryContent(lines);
        return await SendAsync(
            request,
            async (response, token) => response.StatusCode == HttpStatusCode.NoContent
                ? HistoryResult.Of(true)
                : await ReadErrorAsync(response, token),
            cancellation);
    }

    /// <summary>Runs statements that change the server or describe it, or select; every row of their answers is shown to the reader.</summary>
    public async Task<HistoryResult<bool>> QueryAsync(string statements, string? database, IInfluxReader reader, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _queryUrl);
        var form = new List<KeyValuePair<string, string>>
        {
            new("q", statements),
            new("epoch", "ns"),
            new("chunked", "true"),
            new("chunk_size", RowsPerDocument.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        };
        if (database is not null)
        {
            form.Add(new("db", database));
        }

        request.Content = new FormUrlEncodedContent(form);
        return await SendAsync(
            request,
            async (response, token) => response.StatusCode == HttpStatusCode.OK
                ? await ReadDocumentsAsync(response, reader, token)
                : await ReadErrorAsync(response, token),
            cancellation);
    }

    public void Dispose() => _http.Dispose();

    private async Task<HistoryResult<bool>> SendAsync(
        HttpRequestMessage request,
        Func<HttpResponseMessage, CancellationToken, Task<HistoryResult<bool>>> read,
        CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            return await read(response, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The limit, or the handler's own one for connecting.
            return InfluxErrors.TimedOut(_name, _timeout);
        }
        catch (HttpRequestException e)
        {
            return InfluxErrors.OfException(_name, e);
        }
        catch (IOException e)
        {
            return InfluxErrors.Unavailable($"{_name}: the connection broke: {e.Message}.", "it goes on by itself once the server answers");
        }
    }

    private static ByteArrayContent Compress(ReadOnlyMemory<byte> lines)
    {
        var target = new MemoryStream(lines.Length / 4);
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(lines.Span);
        }

        var content = new ByteArrayContent(target.GetBuffer(), 0, (int)target.Length);
        content.Headers.ContentEncoding.Add("gzip");
        return content;
    }

    private async Task<HistoryResult<bool>> ReadDocumentsAsync(HttpResponseMessage response, IInfluxReader reader, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var document = new ByteWriter(64 * 1024);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (await stream.ReadAsync(buffer, cancellation) is > 0 and var count)
            {
                var rest = buffer.AsMemory(0, count);
                while (rest.Span.IndexOf((byte)'\n') is >= 0 and var end)
                {
                    document.WriteBytes(rest.Span[..end]);
                    rest = rest[(end + 1)..];
                    if (Read(document, reader) is { } error)
                    {
                        return error;
                    }
                }

                if (document.Length + rest.Length > MaxDocumentBytes)
                {
                    return InfluxErrors.Broken(
                        $"{_name} answers with a document of more than {MaxDocumentBytes >> 20} MiB.", "check that the url is an InfluxDB 1.x");
                }

                document.WriteBytes(rest.Span);
            }

            return Read(document, reader) is { } last ? last : true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private HistoryError? Read(ByteWriter document, IInfluxReader reader)
    {
        try
        {
            return document.Written.IndexOfAnyExcept(" \r\t"u8) >= 0 ? InfluxDocument.Read(document.Written, _name, reader) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return InfluxErrors.Broken($"{_name} answers with something that is no answer: {e.Message}.", "check that the url is an InfluxDB 1.x");
        }
        finally
        {
            document.Clear();
        }
    }

    private async Task<HistoryError> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var bytes = new byte[MaxErrorBytes];
        var count = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        var message = InfluxDocument.ErrorOf(bytes.AsSpan(0, count)) ?? Encoding.UTF8.GetString(bytes, 0, count);
        return InfluxErrors.OfAnswer(_name, response.StatusCode, message.Length == 0 ? response.ReasonPhrase ?? "" : message);
    }

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("there is no certificate in it");
    }

    private static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
