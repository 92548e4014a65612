#!/bin/sh
# The balancer of the small site, run at boot.
ipvsadm -C
ipvsadm --set 900 0 60

/sbin/ipvsadm --add-service --tcp-service 192.0.2.1:http --scheduler rr -p
ipvsadm --add-server --tcp-service 192.0.2.1:http --real-server 10.0.0.1 --masquerading --weight=2
ipvsadm -at 192.0.2.1:80 -r 10.0.0.2:8080 -mw3 -x 1000 -y 800
ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.3:8080 -w 100000
ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 1

ipvsadm -A -u 192.0.2.1:domain -o
ipvsadm -a -u 192.0.2.1:domain -r ns1.example.net -g
ipvsadm -A -t 192.0.2.9:25
ipvsadm -D -t 192.0.2.9:25
ipvsadm -a -t 192.0.2.9:25 -r 10.0.0.9

ipvsadm -Z
ipvsadm --start-daemon master --mcast-interface eth1 --syncid 9 --mcast-ttl 2
ipvsadm --start-daemon=backup --mcast-interface eth1
ipvsadm -Ln
