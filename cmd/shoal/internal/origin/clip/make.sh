#!/bin/sh
# Makes the clip that the origin loops: 32 s, three video qualities, two audio
# languages, one fragmented MP4 a track, about 5.5 MB in all. A maintainer runs
# it; its output is committed. Needs ffmpeg and fonts-dejavu-core.
#
# 32 s is the shortest length that is whole in every unit that matters: 16
# segments of 2 s, 800 frames at 25 fps, 1500 AAC frames of 1024 samples at
# 48 kHz. So video and audio loop at exactly the same instant, for ever.
set -eu
cd "$(dirname "$0")"
duration=32
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { ffmpeg -hide_banner -loglevel warning -y "$@"; }

# Video. No B-frames, so decode time is presentation time and no edit list is
# needed; closed GOPs of 50 frames, one fragment each; bit-exact and one thread,
# so that two runs of the same ffmpeg agree.
label() { # height bitrate
  echo "scale=-2:$1:flags=lanczos,drawtext=fontfile=$font:text='$1p  $2  frame %{n}':fontsize=h/18:fontcolor=white:box=1:boxcolor=black@0.55:boxborderw=6:x=w/40:y=w/40,drawtext=fontfile=$font:timecode='00\:00\:00\:00':rate=25:fontsize=h/9:fontcolor=white:box=1:boxcolor=black@0.55:boxborderw=8:x=(w-tw)/2:y=h-th-h/12"
}
picture="mandelbrot=size=960x540:rate=25:start_scale=1.6:end_scale=0.004:end_pts=$((duration * 25)):start_x=-0.743643887:start_y=-0.131825905:maxiter=600:inner=period"
run -f lavfi -i "$picture" -t $duration -filter_complex \
  "[0:v]gblur=sigma=1.1,split=3[a][b][c];[a]$(label 234 160k)[v0];[b]$(label 360 380k)[v1];[c]$(label 480 640k)[v2]" \
  -map '[v0]' -map '[v1]' -map '[v2]' -frames:v $((duration * 25)) \
  -c:v libx264 -preset slow -profile:v main -pix_fmt yuv420p -threads 1 -bf 0 \
  -g 50 -keyint_min 50 -sc_threshold 0 -flags +bitexact+cgop \
  -b:v:0 160k -maxrate:v:0 180k -bufsize:v:0 240k \
  -b:v:1 380k -maxrate:v:1 420k -bufsize:v:1 570k \
  -b:v:2 640k -maxrate:v:2 710k -bufsize:v:2 960k \
  -f nut "$work/video.nut"
for i in 0 1 2; do
  run -i "$work/video.nut" -map "0:v:$i" -c copy -map_metadata -1 -fflags +bitexact \
    -video_track_timescale 90000 -movflags frag_keyframe+empty_moov+default_base_moof "video-$i.mp4"
done

# Audio. A bell each second on the second (English) or half a second later
# (German), four notes in turn, so that ears can check synchronism and language.
# The signal repeats every 32 s; three rounds are encoded and the middle one is
# kept, so that there is no priming, no edit list and no click at the loop.
# Packet 0 of ffmpeg's encoder carries the priming and has pts -1024: the packet
# with pts 32 s decodes to the samples from 32 s on.
bell() { # phase frequency
  echo "aevalsrc=0.35*exp(-5*mod(t+$1\\,1))*(sin(2*PI*$2*pow(2\\,floor(mod(t+$1\\,4))*5/12)*t)+0.3*sin(4*PI*$2*pow(2\\,floor(mod(t+$1\\,4))*5/12)*t)):s=48000:d=$((3 * duration))"
}
audio() { # name language phase frequency
  run -f lavfi -i "$(bell "$3" "$4")" -c:a aac -b:a 64k -ac 1 -flags +bitexact -f nut "$work/$1.nut"
  run -ss $duration -i "$work/$1.nut" -c copy -frames:a $((duration * 48000 / 1024)) -map_metadata -1 \
    -metadata:s:a:0 language="$2" -fflags +bitexact -avoid_negative_ts make_zero -use_editlist 0 \
    -movflags empty_moov+default_base_moof -frag_duration 2000000 "$1.mp4"
}
audio audio-en eng 0 440
audio audio-de deu 0.5 330
ls -l ./*.mp4
