"""What the camera answers: one function per operation of the device and media services, and the event service's texts.

In: the camera's facts. Out: the content of a reply's body. (ONVIF device, media and events WSDL, version 10.)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from simulators.onvif_camera.events import Topic
from simulators.onvif_camera.picture import HEIGHT, WIDTH
from simulators.onvif_camera.soap import NAMESPACES, date_time

PROFILE: Final = "Profile0"
VIDEO_SOURCE: Final = "VideoSource0"
VERSION: Final = "<tt:Major>2</tt:Major><tt:Minor>60</tt:Minor>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the camera says its services are; not always the truth."""

    device: str
    media: str
    events: str
    snapshot: str
    stream: str


def system_date_and_time(now: datetime) -> str:
    """GetSystemDateAndTime."""
    moment = (
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
    )
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime>{moment}</tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def device_information(name: str) -> str:
    """GetDeviceInformation."""
    return (
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>secd</tds:Manufacturer><tds:Model>Simulated camera</tds:Model>"
        f"<tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>{escape(name)}</tds:SerialNumber>"
        "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
    )


def capabilities(at: Addresses, *, events: bool) -> str:
    """GetCapabilities, every category."""
    event_part = (
        f"<tt:Events><tt:XAddr>{escape(at.events)}</tt:XAddr><tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>"
        "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
        "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>"
    )
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{escape(at.device)}</tt:XAddr></tt:Device>{event_part if events else ''}"
        f"<tt:Media><tt:XAddr>{escape(at.media)}</tt:XAddr><tt:StreamingCapabilities>"
        "<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>"
        "</tt:StreamingCapabilities></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def services(at: Addresses, *, events: bool) -> str:
    """GetServices."""
    listed = [("tds", at.device), ("trt", at.media), *([("tev", at.events)] if events else [])]
    rows = "".join(
        f"<tds:Service><tds:Namespace>{NAMESPACES[prefix]}</tds:Namespace><tds:XAddr>{escape(address)}</tds:XAddr>"
        f"<tds:Version>{VERSION}</tds:Version></tds:Service>"
        for prefix, address in listed
    )
    return f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>"


def scopes(name: str) -> str:
    """GetScopes."""
    items = ("type/video_encoder", "Profile/Streaming", f"name/{name}", "hardware/simulated")
    rows = "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/{escape(item)}</tt:ScopeItem></tds:Scopes>"
        for item in items
    )
    return f"<tds:GetScopesResponse>{rows}</tds:GetScopesResponse>"


def hostname(name: str) -> str:
    """GetHostname."""
    return (
        "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"<tt:Name>{escape(name)}</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>"
    )


def profiles() -> str:
    """GetProfiles: one."""
    return (
        f'<trt:GetProfilesResponse><trt:Profiles token="{PROFILE}" fixed="true"><tt:Name>main</tt:Name>'
        '<tt:VideoSourceConfiguration token="VideoSourceConfiguration0"><tt:Name>source</tt:Name><tt:UseCount>1</tt:UseCount>'
        f'<tt:SourceToken>{VIDEO_SOURCE}</tt:SourceToken><tt:Bounds x="0" y="0" width="{WIDTH}" height="{HEIGHT}"/>'
        "</tt:VideoSourceConfiguration>"
        '<tt:VideoEncoderConfiguration token="VideoEncoderConfiguration0"><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>JPEG</tt:Encoding><tt:Resolution><tt:Width>{WIDTH}</tt:Width><tt:Height>{HEIGHT}</tt:Height></tt:Resolution>"
        "<tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>5</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>1024</tt:BitrateLimit></tt:RateControl>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>"
    )


def video_sources() -> str:
    """GetVideoSources: one."""
    return (
        f'<trt:GetVideoSourcesResponse><trt:VideoSources token="{VIDEO_SOURCE}"><tt:Framerate>5</tt:Framerate>'
        f"<tt:Resolution><tt:Width>{WIDTH}</tt:Width><tt:Height>{HEIGHT}</tt:Height></tt:Resolution>"
        "</trt:VideoSources></trt:GetVideoSourcesResponse>"
    )


def media_uri(operation: str, uri: str) -> str:
    """GetStreamUri and GetSnapshotUri."""
    return (
        f"<trt:{operation}Response><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
        f"<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:{operation}Response>"
    )


def event_properties(topics: Iterable[Topic]) -> str:
    """GetEventProperties: the topics as nested elements."""
    nested = "".join(_nest(topic.path.split("/"), _description(topic)) for topic in topics)
    return (
        "<tev:GetEventPropertiesResponse>"
        "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>"
        "<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>"
        f"<wstop:TopicSet>{nested}</wstop:TopicSet>"
        "<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>"
        "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>"
        "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>"
        "</tev:GetEventPropertiesResponse>"
    )


def pull_point_reference(address: str, parameter: str, now: datetime, ends: datetime) -> str:
    """CreatePullPointSubscription; `parameter` is an identifier the client must send along, or ""."""
    inner = f"<wsa:ReferenceParameters><sim:PullPoint>{parameter}</sim:PullPoint></wsa:ReferenceParameters>"
    return (
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
        f"<wsa:Address>{escape(address)}</wsa:Address>{inner if parameter else ''}</tev:SubscriptionReference>"
        f"<wsnt:CurrentTime>{date_time(now)}</wsnt:CurrentTime><wsnt:TerminationTime>{date_time(ends)}</wsnt:TerminationTime>"
        "</tev:CreatePullPointSubscriptionResponse>"
    )


def pulled(messages: Iterable[str], now: datetime, ends: datetime) -> str:
    """PullMessages."""
    return (
        f"<tev:PullMessagesResponse><tev:CurrentTime>{date_time(now)}</tev:CurrentTime>"
        f"<tev:TerminationTime>{date_time(ends)}</tev:TerminationTime>{''.join(messages)}</tev:PullMessagesResponse>"
    )


def renewed(now: datetime, ends: datetime) -> str:
    """Renew."""
    return (
        f"<wsnt:RenewResponse><wsnt:TerminationTime>{date_time(ends)}</wsnt:TerminationTime>"
        f"<wsnt:CurrentTime>{date_time(now)}</wsnt:CurrentTime></wsnt:RenewResponse>"
    )


def _nest(path: list[str], inner: str) -> str:
    name, *below = path
    tag = f"tns1:{name}"
    if not below:
        return f'<{tag} wstop:topic="true">{inner}</{tag}>'
    return f"<{tag}>{_nest(below, inner)}</{tag}>"


def _description(topic: Topic) -> str:
    source = "".join(f'<tt:SimpleItemDescription Name="{name}" Type="tt:ReferenceToken"/>' for name, _ in topic.source)
    return (
        f'<tt:MessageDescription IsProperty="true"><tt:Source>{source}</tt:Source>'
        f'<tt:Data><tt:SimpleItemDescription Name="{topic.item}" Type="xs:boolean" xmlns:xs="http://www.w3.org/2001/XMLSchema"/></tt:Data>'
        "</tt:MessageDescription>"
    )
